#!/bin/bash
# The pages of a book in 32 shards, on a file system that all nodes see. Submit with
#   sbatch examples/book/slurm.sh /path/of/the/book
# and publish once the array is done:
#   surety book prove /path/of/the/book
#SBATCH --job-name=surety-book
#SBATCH --array=0-31
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
# 576 MiB for a page at k = 16, and some for the files that are read.
#SBATCH --mem=1G
# A shard that is begun again finds what it has proven before.
#SBATCH --requeue
set -euo pipefail
surety book prove "$1" --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" --workers 1
