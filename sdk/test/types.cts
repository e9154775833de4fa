// As types.ts, for CommonJS.
import sdk = require('@surety/sdk');

sdk.levelId('maintenance') satisfies `0x${string}`;
// @ts-expect-error: names are texts.
sdk.levelId(1);
