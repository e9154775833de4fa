//! An Ethereum virtual machine with one contract.

use alloy_primitives::{Address, Bytes};
use revm::{
    Context, ExecuteEvm as _, MainBuilder as _, MainContext as _,
    bytecode::Bytecode,
    context::{TxEnv, result::ExecutionResult},
    database::InMemoryDB,
    database_interface::WrapDatabaseRef,
    primitives::{TxKind, hardfork::SpecId},
    state::AccountInfo,
};

/// Where the contract is.
const ADDRESS: Address = Address::repeat_byte(0x42);

/// The largest gas limit of a transaction (EIP-7825).
const GAS_LIMIT: u64 = 1 << 24;

/// The machine, with nothing but the contract.
pub(crate) struct Machine {
    state: InMemoryDB,
}

impl Machine {
    /// With a contract of this code, in hexadecimal.
    pub(crate) fn with(code: &str) -> Self {
        let code: Bytes = code.parse().unwrap();
        let mut state = InMemoryDB::default();
        state.insert_account_info(ADDRESS, AccountInfo::from_bytecode(Bytecode::new_raw(code)));
        Self { state }
    }

    /// Calls the contract.
    pub(crate) fn call(&self, data: Vec<u8>) -> ExecutionResult {
        let transaction = TxEnv::builder().kind(TxKind::Call(ADDRESS)).gas_limit(GAS_LIMIT).data(data.into());
        let context = Context::mainnet().with_db(WrapDatabaseRef(&self.state));
        let context = context.modify_cfg_chained(|cfg| cfg.set_spec_and_mainnet_gas_params(SpecId::OSAKA));
        context.build_mainnet().transact(transaction.build().unwrap()).unwrap().result
    }
}
