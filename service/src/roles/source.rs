//! A source: reads balances on a schedule or when a holder asks, signs statements, and keeps each with its opening
//! encrypted to the holder.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use surety_core::{
    failure::AnyFailure,
    ident::{Bytes32, EvmAddress, Name},
    units::{Seconds, Timestamp},
};
use surety_host::documents;
use surety_kzg::Params;
use surety_margin::universe::Universe;
use surety_prover::{
    bundle::{Bundle, Recipient},
    sequences::{Sequences, StatedAccount},
    source::{self, StatementTerms},
};
use surety_verifier::attestation::eip712::Audience;

use super::{AnySigner, Role, World, label, load_signer, shelf};
use crate::{
    access::{Token, TokenDigest},
    configuration::{Feed, Form, SourceAccount, SourceRole},
    error::ServiceError,
    feed,
    metrics::{RoleLabel, SubjectLabel, seconds},
    state::Shelf,
    wallets,
};

/// A statement that a holder asks for is made anew if the last is older than this.
const SOONEST: u64 = 10;

/// How many bundles of an account are kept.
const BUNDLES: u32 = 100;

/// A source.
pub struct Source {
    pen: Pen,
    accounts: Vec<Account>,
}

/// What every statement of a source is made with.
struct Pen {
    world: Arc<World>,
    label: RoleLabel,
    universe: Universe,
    params: Params,
    key: AnySigner,
    audience: Audience,
    every: Seconds,
    valid_for: Seconds,
    sequences: Sequences,
}

/// An account that a source states.
#[derive(Debug)]
struct Account {
    account: Name,
    subject: EvmAddress,
    recipient: Recipient,
    feed: Feed,
    form: Form,
    names: BTreeMap<String, String>,
    pledge: Option<Bytes32>,
    served: Arc<Served>,
    /// Whether its holder has asked for a statement that was not due then.
    asked: bool,
    /// When the balances were last asked for, if they could not be had.
    tried_at: Option<Timestamp>,
}

/// What the server knows of an account.
#[derive(Debug)]
pub struct Served {
    /// The holder's token.
    pub token: TokenDigest,
    /// Where the bundles are.
    pub shelf: Shelf,
    /// Whether the holder has asked for a new one.
    pub wanted: AtomicBool,
}

/// The part of an address that says which account is meant.
pub type AccountPath = (String, EvmAddress);

impl Source {
    /// The role of a configuration. `path` is where it is there.
    ///
    /// # Errors
    /// If a file or a key cannot be read, or a value cannot be used.
    pub fn new(role: SourceRole, path: &str, world: &Arc<World>) -> Result<Self, AnyFailure> {
        let label = label("source", &role.name);
        let universe: Universe = documents::read(&role.universe)?;
        // A source signs what it knows. Over which set-up a holder proves is for the holder and verifiers to say.
        let params = world.params(&universe, true)?;
        let key = load_signer(role.key, role.passphrase)?;
        let accounts = role.accounts.into_iter().enumerate();
        let accounts = accounts.map(|(i, account)| Account::new(account, &format!("{path}.accounts[{i}]"), &label));
        let accounts = accounts.collect::<Result<_, _>>()?;
        let pen = Pen {
            world: Arc::clone(world),
            universe,
            params,
            key,
            audience: Audience { chain_id: role.chain_id, registry: role.registry },
            every: role.every,
            valid_for: role.valid_for,
            sequences: Sequences::open(world.state.directory())?,
            label,
        };
        Ok(Self { pen, accounts })
    }

    /// What the server needs to know of its accounts.
    #[must_use]
    pub fn served(&self) -> BTreeMap<AccountPath, Arc<Served>> {
        let served = |account: &Account| ((account.account.to_string(), account.subject), Arc::clone(&account.served));
        self.accounts.iter().map(served).collect()
    }
}

impl Pen {
    /// Makes a statement about an account if one is due, and says when the next will be.
    fn state(&self, account: &mut Account, now: Timestamp) -> Result<Timestamp, AnyFailure> {
        account.asked |= account.served.wanted.swap(false, Ordering::SeqCst);
        let newest = self.world.state.newest_document::<Bundle>(&account.served.shelf)?;
        // Balances may be older than the statement.
        let made_at = newest.map(|(_, bundle)| bundle.statement.valid_until.0.saturating_sub(self.valid_for.0));
        let made_at = made_at.map(Timestamp);
        let pause = if account.asked { SOONEST.min(self.every.0) } else { self.every.0 };
        // A statement from the future was made before somebody set the clock back.
        let made_at = made_at.filter(|at| *at <= now);
        if let Some(due) = made_at.map(|at| at.0.saturating_add(pause)).filter(|due| *due > now.0) {
            return Ok(Timestamp(due));
        }
        // Balances that cannot be read are not asked for more often than those that can, whoever wants them.
        let tried_at = account.tried_at.filter(|at| *at <= now);
        if let Some(due) = tried_at.map(|at| at.0.saturating_add(SOONEST)).filter(|due| *due > now.0) {
            return Ok(Timestamp(due));
        }
        account.tried_at = Some(now);
        let (holdings, as_of) = match &account.feed {
            Feed::Wallets(wallets) => {
                wallets::read(wallets, &self.universe, &account.subject, &self.key.address(), now)?
            }
            feed => {
                let text = feed::read(feed, &self.world.client)?;
                let file = feed::name(feed);
                (feed::holdings((&file, &text), account.form, &account.names, &self.universe)?, now)
            }
        };
        let stated =
            StatedAccount { source: self.key.address(), subject: account.subject, account: account.account.clone() };
        let valid_until = Timestamp(now.0.saturating_add(self.valid_for.0));
        let terms = StatementTerms {
            audience: self.audience,
            subject: account.subject,
            account: account.account.clone(),
            // A final block is some minutes old; one from the future is a clock's mistake.
            as_of: as_of.min(now),
            valid_until,
            sequence: self.sequences.take(&stated, None, now)?,
            pledge: account.pledge,
        };
        let (statement, opening) = source::attest(&self.universe, &self.params, holdings, terms, &*self.key)?;
        let sequence = statement.sequence;
        let bundle = Bundle::seal(&self.universe, statement, &opening, &account.recipient)?;
        self.world.state.put_document(&account.served.shelf, sequence, &bundle)?;
        self.world.state.keep_newest(&account.served.shelf, BUNDLES)?;
        (account.asked, account.tried_at) = (false, None);
        let of = SubjectLabel { role: self.label.role.clone(), of: account.account.to_string() };
        self.world.metrics.statement_valid_until.get_or_create(&of).set(seconds(valid_until));
        self.world.note(now, &self.label, &format!("statement {sequence} about {}", account.account));
        Ok(Timestamp(now.0.saturating_add(self.every.0)))
    }
}

impl Role for Source {
    fn label(&self) -> &RoleLabel {
        &self.pen.label
    }

    fn step(&mut self, now: Timestamp) -> Result<Timestamp, AnyFailure> {
        // An account whose balances cannot be read keeps no other from being stated.
        let stated: Vec<_> = self.accounts.iter_mut().map(|account| self.pen.state(account, now)).collect();
        stated.into_iter().try_fold(Timestamp(u64::MAX), |next, due| Ok(next.min(due?)))
    }

    fn is_wanted(&self) -> bool {
        self.accounts.iter().any(|account| account.served.wanted.load(Ordering::SeqCst))
    }
}

impl Account {
    fn new(account: SourceAccount, path: &str, label: &RoleLabel) -> Result<Self, AnyFailure> {
        let recipient = account.recipient.parse().map_err(|_| {
            let expected = "a recipient of age, age1…, as surety key recipient prints";
            ServiceError::value(&format!("{path}.recipient"), expected, "something else")
        })?;
        let subject = account.subject.to_string();
        let served = Served {
            token: Token::load(&account.token)?.digest(),
            shelf: shelf(label, &["bundle", account.account.as_str(), &subject]),
            wanted: AtomicBool::new(false),
        };
        Ok(Self {
            account: account.account,
            subject: account.subject,
            recipient,
            feed: account.balances,
            form: account.form,
            names: account.names,
            pledge: account.pledge,
            served: Arc::new(served),
            asked: false,
            tried_at: None,
        })
    }
}
