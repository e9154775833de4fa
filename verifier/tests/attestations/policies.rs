//! The commitments that a policy compiles to, and its identifier.

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::SolValue as _;
use ff::Field;
use surety_core::{
    capacity::Capacity,
    ident::{Bytes32, HexBytes},
    text::Document,
    units::{Decimals, Ppm, Price, Seconds},
};
use surety_kzg::{Fr, G1Affine, point, scalar};
use surety_margin::{policy::Policy, program::TableRow, universe::Universe, vault::VaultRules};
use surety_testing::sample::prices;
use surety_verifier::{
    CommittedPolicy, CompiledPolicy,
    attestation::{
        compiled::{CompiledError, CompiledPolicyFile, LevelCommitments},
        identifiers::LevelId,
        vault::VaultBalances,
    },
};

use crate::fixture::{Scene, Spoil, compile, name, policy, setup, universe, vault_policy};

/// Commits to a column of a program, every row of it.
fn column(table: &[TableRow], value: impl Fn(usize, &TableRow) -> Fr) -> G1Affine {
    let mut column = vec![Fr::ZERO; 512];
    for (index, row) in table.iter().enumerate() {
        column[index + 1] = value(index, row);
    }
    setup().1.commit_column(&column).into()
}

#[test]
fn commitments_are_those_of_the_columns() {
    let compiled = compile(policy());
    for level in ["maintenance", "initial", "maintenance-1.5x"].map(name) {
        let program = compiled.program(&level).unwrap();
        let commitments = compiled.committed().level(&level).unwrap();
        assert_eq!(commitments.idx, column(program.table(), |_, row| Fr::from(row.address.index() as u64)));
        assert_eq!(commitments.flag, column(program.table(), |_, row| Fr::from(u64::from(row.last))));
        let mut prices = prices(&policy());
        for _ in 0..3 {
            let coefficients = program.coefficients(&prices).unwrap();
            let expected = column(program.table(), |index, _| scalar::from_i256(coefficients[index]));
            assert_eq!(commitments.coef(&prices).unwrap(), expected);
            prices.rotate_left(1);
            prices[0] = Price::new(prices[0].get() + 12_345).unwrap();
        }
    }
    assert!(compiled.program(&name("lax")).is_none());
    assert!(compiled.committed().level(&name("lax")).is_none());
}

#[test]
fn rejects_another_number_of_prices() {
    let committed = compile(policy()).committed().clone();
    let level = committed.level(&name("initial")).unwrap();
    let mut prices = prices(committed.policy());
    prices.pop();
    assert!(level.coef(&prices).is_err());
}

/// A price that a level does not read has the identity for its commitment.
#[test]
fn unread_prices_are_allowed() {
    let mut policy = policy();
    let mut unread = policy.market[0].clone();
    unread.name = name("unread");
    policy.market.push(unread);
    let compiled = compile(policy.clone());
    let committed = compiled.committed();
    let level = committed.level(&name("initial")).unwrap();
    assert_eq!(level.market.last(), Some(&G1Affine::default()));
    let mut changed = prices(&policy);
    let before = level.coef(&changed).unwrap();
    *changed.last_mut().unwrap() = Price::new(77).unwrap();
    assert_eq!(level.coef(&changed).unwrap(), before);
    let published = CommittedPolicy::published(policy, universe(), &committed.file()).unwrap();
    assert_eq!(published.level(&name("initial")), Some(level));
}

#[test]
fn identifiers_change_with_every_part() {
    let mut seen = vec![compile(policy()).committed().id()];
    let changes: [Spoil<Policy>; 8] = [
        |policy| policy.name = name("another"),
        |policy| policy.validity = Seconds(1),
        |policy| policy.market[0].min = Price::new(10_001).unwrap(),
        |policy| policy.sources.swap(0, 1),
        |policy| policy.levels[2].multiple = Ppm(1_600_000),
        |policy| policy.levels.swap(1, 2),
        |policy| policy.sources[0].scope = vec![name("USD")],
        |policy| policy.sources[1].scope = vec![name("USD")],
    ];
    for change in changes {
        let mut policy = policy();
        change(&mut policy);
        let id = compile(policy).committed().id();
        assert!(!seen.contains(&id));
        seen.push(id);
    }
    let vault_changes: [Spoil<VaultRules>; 8] = [
        |_| {},
        |vault| vault.chain += 1,
        |vault| vault.address.0[0] ^= 1,
        |vault| vault.level = name("initial"),
        |vault| vault.max_age.0 += 1,
        |vault| vault.min_age.0 += 1,
        |vault| vault.assets[0].token.0[0] ^= 1,
        |vault| vault.assets[0].decimals = Decimals::new(8).unwrap(),
    ];
    for change in vault_changes {
        let mut policy = vault_policy();
        change(policy.vault.as_mut().unwrap());
        let id = compile(policy).committed().id();
        assert!(!seen.contains(&id));
        seen.push(id);
    }
    let mut universe = universe();
    universe.instruments[0].expiry = None;
    universe.instruments.swap(0, 1);
    let id = CompiledPolicy::compile(policy(), universe, &setup().1).unwrap().committed().id();
    assert!(!seen.contains(&id));
}

/// The identifier that `PolicyRegistry._identify` computes, for what the vault says of itself.
#[test]
fn a_vault_is_in_the_identifier_as_the_policy_registry_has_it() {
    let committed = compile(vault_policy()).committed().clone();
    let (file, rules) = (committed.file(), committed.policy().vault.clone().unwrap());
    let word = |bytes: Bytes32| B256::from(bytes.0);
    let coordinate = |point: &[u8]| U256::from_be_slice(point);
    let assets: Vec<_> = committed
        .vault_assets()
        .iter()
        .map(|asset| {
            let (x, y) = asset.point.0.split_at(32);
            (Address::from(asset.token.0), U256::from(asset.unit), coordinate(x), coordinate(y))
        })
        .collect();
    assert_eq!((assets.len(), assets[0].1), (1, U256::from(10_000)));
    let vault = keccak256(
        (
            keccak256("surety/vault-rules/v1"),
            U256::from(rules.chain),
            Address::from(rules.address.0),
            word(file.universe.0),
            word(LevelId::named(&rules.level).0),
            U256::from(rules.max_age.0),
            U256::from(rules.min_age.0),
            keccak256(assets.abi_encode()),
        )
            .abi_encode(),
    );
    assert_eq!(committed.id().0.0, identifier(&file, vault, B256::ZERO));
}

/// The identifier of a policy with these words for its vault and its scopes.
fn identifier(file: &CompiledPolicyFile, vault: B256, scopes: B256) -> [u8; 32] {
    let level = |level: &LevelCommitments| {
        let id = LevelId::named(&level.level).0;
        let points = [level.idx, level.flag, level.base].into_iter().chain(level.market.iter().copied());
        keccak256([id.0.to_vec(), points.flat_map(|point| point.0).collect()].concat()).0
    };
    let k = U256::from(file.capacity.k()).to_be_bytes::<32>();
    let (tag, srs) = (keccak256("surety/policy/v2").0, file.srs.0);
    let head = [tag, file.document.0.0, file.universe.0.0, srs, k, vault.0, scopes.0];
    keccak256(head.into_iter().chain(file.levels.iter().map(level)).collect::<Vec<_>>().concat()).0
}

/// A policy whose first source may state the quote currency alone.
fn scoped_policy() -> Policy {
    let mut policy = policy();
    policy.sources[0].scope = vec![name("USD")];
    policy
}

#[test]
fn scopes_are_in_the_identifier_as_the_policy_registry_has_them() {
    let committed = compile(scoped_policy()).committed().clone();
    let file = committed.file();
    let [scope] = committed.scopes() else { panic!("one scope") };
    assert_eq!(scope.signer, scoped_policy().sources[0].signer);
    let (x, y) = file.scopes[0].0.split_at(32);
    let list = vec![(Address::from(scope.signer.0), [U256::from_be_slice(x), U256::from_be_slice(y)])];
    let scopes = keccak256((keccak256("surety/source-scopes/v1"), list).abi_encode_params());
    assert_eq!(committed.id().0.0, identifier(&file, B256::ZERO, scopes));
}

/// Attack: a wider scope for a source than its policy gives it, or none.
#[test]
fn rejects_published_points_of_scopes_that_do_not_fit() {
    let committed = compile(scoped_policy()).committed().clone();
    let original = committed.file();
    let published = |file: &CompiledPolicyFile| CommittedPolicy::published(scoped_policy(), universe(), file);
    assert_eq!(published(&original).unwrap().scopes(), committed.scopes());
    let error = |change: &dyn Fn(&mut CompiledPolicyFile)| {
        let mut changed = original.clone();
        change(&mut changed);
        published(&changed).unwrap_err().to_string()
    };
    let missing = error(&|file| file.scopes.clear());
    assert!(missing.contains("number of the scopes' points"), "{missing}");
    let wider = error(&|file| file.scopes[0] = file.levels[0].idx);
    assert!(wider.contains("compiled policy: policy"), "{wider}");
    let none = error(&|file| file.scopes[0] = HexBytes::ZERO);
    assert!(none.contains("point 0 of the scopes"), "{none}");
}

/// Attack: points of other rows for the vault's assets, or none.
#[test]
fn rejects_published_points_of_a_vault_that_do_not_fit() {
    let committed = compile(vault_policy()).committed().clone();
    let original = committed.file();
    let published = |file: &CompiledPolicyFile| CommittedPolicy::published(vault_policy(), universe(), file);
    assert_eq!(published(&original).unwrap().vault_assets(), committed.vault_assets());
    let changes: [Spoil<CompiledPolicyFile>; 3] =
        [|file| file.vault[0] = file.levels[0].idx, |file| file.vault.clear(), |file| file.vault.push(file.vault[0])];
    for change in changes {
        let mut file = original.clone();
        change(&mut file);
        let error = published(&file).unwrap_err();
        assert!(matches!(error, CompiledError::Mismatch(_)), "{error}");
    }
    let mut file = original;
    file.vault[0] = HexBytes([7; 64]);
    let error = published(&file).unwrap_err();
    assert!(error.to_string().starts_with("compiled policy, point 0 of the vault"), "{error}");
}

#[test]
fn rejects_compiled_policies_and_vault_balances_of_version_1() {
    let text = compile(policy()).committed().file().to_json().unwrap().replace("\"version\": 2", "\"version\": 1");
    let error = CompiledPolicyFile::from_json("compiled.json", &text).unwrap_err().to_string();
    assert!(error.contains("version 2"), "{error}");
    let error = VaultBalances::from_json("vault.json", "{\"kind\":\"surety/vault-balances\",\"version\":1}");
    assert!(error.unwrap_err().to_string().contains("version 2"));
}

#[test]
fn rejects_parameters_of_another_set_up_or_size() {
    let refused = |change: fn(&mut Universe)| {
        let mut universe = universe();
        change(&mut universe);
        let error = CompiledPolicy::compile(policy(), universe, &setup().1).unwrap_err();
        assert!(matches!(error, CompiledError::Mismatch(_)), "{error}");
    };
    refused(|universe| universe.srs = HexBytes([1; 32]));
    refused(|universe| universe.capacity = Capacity::new(10).unwrap());
}

#[test]
fn rejects_a_policy_that_breaks_rules() {
    let mut policy = policy();
    policy.oracle.quorum = 0;
    let error = CompiledPolicy::compile(policy, universe(), &setup().1).unwrap_err();
    assert!(matches!(error, CompiledError::Rules(_)), "{error}");
}

#[test]
fn published_commitments_read_back() {
    let committed = compile(policy()).committed().clone();
    let text = committed.file().to_json().unwrap();
    let file = CompiledPolicyFile::from_json("compiled.json", &text).unwrap();
    let published = CommittedPolicy::published(policy(), universe(), &file).unwrap();
    assert_eq!(published.id(), committed.id());
    assert!(committed.is_at_first_hand() && !published.is_at_first_hand());
    let level = name("maintenance");
    assert_eq!(published.level(&level), committed.level(&level));
}

/// Attack: the commitments of a laxer program under the name of a policy.
#[test]
fn rejects_published_commitments_that_do_not_fit() {
    let changes: [Spoil<CompiledPolicyFile>; 12] = [
        |file| file.policy.0.0[0] ^= 1,
        |file| file.document.0.0[0] ^= 1,
        |file| file.universe.0.0[0] ^= 1,
        |file| file.srs.0[0] ^= 1,
        |file| file.capacity = Capacity::new(10).unwrap(),
        |file| file.levels[0].idx = file.levels[1].flag,
        |file| file.levels[0].base = file.levels[1].base,
        |file| file.levels.swap(0, 1),
        |file| file.levels.truncate(2),
        |file| file.levels[0].market.truncate(1),
        |file| file.levels[0].market.swap(0, 1),
        |file| file.levels[2].market[0] = HexBytes::ZERO,
    ];
    let original = Scene::new().policy.file();
    for change in changes {
        let mut file = original.clone();
        change(&mut file);
        let error = CommittedPolicy::published(policy(), universe(), &file).unwrap_err();
        assert!(matches!(error, CompiledError::Mismatch(_)), "{error}");
    }
    for bytes in [[0; 64], [7; 64], [0xff; 64]] {
        let mut file = original.clone();
        file.levels[1].base = HexBytes(bytes);
        let error = CommittedPolicy::published(policy(), universe(), &file).unwrap_err();
        assert!(error.to_string().contains("level initial, base"), "{error}");
    }
    assert!(point::g1_from_bytes(&original.levels[1].base.0).is_ok());
}
