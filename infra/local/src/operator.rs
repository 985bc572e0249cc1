//! The operator's command: the first admin is made here, for no endpoint can.

use auth::{Hasher, is_common};
use clock::{Clock, Ids, Rng};
use domain::{
    accounts::{Role, Standing},
    text::{Email, Password, Username},
    validation::Invalid,
};
use storage::{
    Table, Tx, TxError, Write, WriteError,
    items::{EmailGuard, User},
    keys,
};

/// What the command works with.
#[derive(Clone, Debug)]
pub struct Operator {
    /// Where accounts are.
    pub table: Table,
    /// The present.
    pub clock: Clock,
    /// Randomness.
    pub rng: Rng,
    /// Hashes passwords.
    pub hasher: Hasher,
}

/// What a new account needs beside its address.
#[derive(Clone, Debug, Default)]
pub struct NewAccount {
    /// Its name.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<String>,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// A new account.
    Made,
    /// An existing account has another role now.
    Promoted,
    /// It was an admin already.
    NothingToDo,
}

/// Why nobody became an admin. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum NotMade {
    /// A field is not acceptable.
    #[error("The {field} {}.", .reason.en)]
    Invalid {
        /// Which.
        field: &'static str,
        /// Why.
        reason: Invalid,
    },
    /// One of the most common ones.
    #[error("The password is too common. Choose another one.")]
    CommonPassword,
    /// A new account has a name.
    #[error("There is no account with this address yet. Name the new one with --username.")]
    NoUsername,
    /// A new account has a password.
    #[error(
        "There is no account with this address yet. Give the new one a password by --password-stdin or \
         DEVLOOP_ADMIN_PASSWORD."
    )]
    NoPassword,
    /// Withdrawn.
    #[error("The account with this address is being withdrawn. Use another address.")]
    NotActive,
    /// Hashing failed.
    #[error("{0}.")]
    Hashing(#[from] auth::HashFailed),
    /// The table failed.
    #[error("The table does not work: {0}. Is its address right, and does it exist?")]
    Storage(#[from] storage::Error),
}

impl Operator {
    /// Makes an admin of the account with this address, or a new one if there is none.
    pub async fn create_admin(&self, email: &str, new: NewAccount) -> Result<Done, NotMade> {
        let email: Email = parse("email address", email)?;
        if let Some(done) = self.promote(&email).await? {
            return Ok(done);
        }
        let username: Username = parse("username", &new.username.ok_or(NotMade::NoUsername)?)?;
        let password: Password = parse("password", &new.password.ok_or(NotMade::NoPassword)?)?;
        if is_common(&password) {
            return Err(NotMade::CommonPassword);
        }
        let ids = Ids::new(self.clock.clone(), self.rng.clone());
        let user = User {
            id: ids.id(),
            email: Some(email.clone()),
            username,
            role: Role::Admin,
            standing: Standing::Active,
            password_version: 1,
            image: None,
            password_hash: Some(self.hasher.hash(&password).await?),
            customer_key: hex::encode(self.rng.bytes::<16>()),
            created_at: self.clock.now(),
            version: 1,
        };
        let made = Tx::once(ids.token())
            .and(Write::put(&EmailGuard::new(&email, user.id)).if_absent(), ())
            .and(Write::put(&user).if_absent(), ())
            .commit(&self.table)
            .await;
        match made {
            Ok(()) => Ok(Done::Made),
            // Somebody signed up with it a moment ago.
            Err(TxError::Unmet(_)) => self.promote(&email).await?.ok_or(NotMade::NotActive),
            Err(TxError::Storage(error)) => Err(error.into()),
        }
    }

    /// `None` if nobody has the address.
    async fn promote(&self, email: &Email) -> Result<Option<Done>, NotMade> {
        let Some(guard) = self.table.get_now::<EmailGuard>(EmailGuard::key(email)).await? else { return Ok(None) };
        let user: Option<User> = self.table.get_now(keys::user(guard.user_id)).await?;
        if user.is_some_and(|user| user.role == Role::Admin && user.standing == Standing::Active) {
            return Ok(Some(Done::NothingToDo));
        }
        let promote = Write::update(keys::user(guard.user_id))
            .set("role", Role::Admin)
            .add("version", 1)
            .if_is("standing", Standing::Active);
        match self.table.write(promote).await {
            Ok(()) => Ok(Some(Done::Promoted)),
            Err(WriteError::Unmet(_)) => Err(NotMade::NotActive),
            Err(WriteError::Storage(error)) => Err(error.into()),
        }
    }
}

fn parse<T: std::str::FromStr<Err = Invalid>>(field: &'static str, text: &str) -> Result<T, NotMade> {
    text.parse().map_err(|reason| NotMade::Invalid { field, reason })
}
