//! Who calls: the type in an endpoint's signature is its policy.

use std::future::Future;

use auth::NotValid;
use domain::{
    accounts::{Role, Standing},
    ids::{FamilyId, UserId},
    refusal::{Kind, Reason},
};
use http::header;
use storage::{items::User, keys};

use crate::{Edge, Head, Problem};

/// Nobody is signed in, or the proof is none of ours.
pub const UNAUTHENTICATED: Reason =
    Reason::new(Kind::Unauthenticated, "UNAUTHENTICATED", "로그인이 필요합니다.", "Please log in.");
/// The proof was good once.
pub const TOKEN_EXPIRED: Reason = Reason::new(
    Kind::Unauthenticated,
    "TOKEN_EXPIRED",
    "로그인이 만료되었습니다. 토큰을 갱신해 주세요.",
    "Your access token has expired; please refresh it.",
);

/// Somebody who may call an endpoint, with the proof already checked.
pub trait Caller<A>: Sized + Send {
    /// Whether an access token is needed.
    const SIGNED_IN: bool;
    /// How this caller can be refused.
    const REASONS: &'static [Reason];

    /// Proves who calls, or refuses.
    fn identify(app: &A, head: &Head) -> impl Future<Output = Result<Self, Problem>> + Send;

    /// Who it is, for the log.
    fn user(&self) -> Option<UserId>;
}

/// Anyone: somebody wrote down that no proof is needed.
#[derive(Clone, Copy, Debug)]
pub struct Public;

impl<A: Sync> Caller<A> for Public {
    const SIGNED_IN: bool = false;
    const REASONS: &'static [Reason] = &[];

    async fn identify(_: &A, _: &Head) -> Result<Self, Problem> {
        Ok(Self)
    }

    fn user(&self) -> Option<UserId> {
        None
    }
}

/// Anyone with a good access token.
#[derive(Clone, Copy, Debug)]
pub struct SignedIn {
    /// Who.
    pub id: UserId,
    /// Their role when the token was issued.
    pub role: Role,
    /// The session.
    pub family: FamilyId,
}

impl SignedIn {
    fn from_token(edge: &Edge, head: &Head) -> Result<Self, Problem> {
        let authorization = head.header(&header::AUTHORIZATION).ok_or_else(|| Problem::new(UNAUTHENTICATED))?;
        let (scheme, token) = authorization.split_once(' ').ok_or_else(|| Problem::new(UNAUTHENTICATED))?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Problem::new(UNAUTHENTICATED));
        }
        let claims = edge.verifier.verify(token.trim(), head.now).map_err(|error| match error {
            NotValid::Expired => Problem::new(TOKEN_EXPIRED),
            NotValid::Unknown => Problem::new(UNAUTHENTICATED),
        })?;
        Ok(Self { id: claims.user, role: claims.role, family: claims.family })
    }
}

impl<A: AsRef<Edge> + Sync> Caller<A> for SignedIn {
    const SIGNED_IN: bool = true;
    const REASONS: &'static [Reason] = &[UNAUTHENTICATED, TOKEN_EXPIRED];

    async fn identify(app: &A, head: &Head) -> Result<Self, Problem> {
        Self::from_token(app.as_ref(), head)
    }

    fn user(&self) -> Option<UserId> {
        Some(self.id)
    }
}

/// Anyone, known if they say who they are: for what is public in part. A bad token is refused
/// all the same, so that a client learns that it has to refresh.
#[derive(Clone, Copy, Debug)]
pub struct Anyone(pub Option<SignedIn>);

impl<A: AsRef<Edge> + Sync> Caller<A> for Anyone {
    const SIGNED_IN: bool = false;
    const REASONS: &'static [Reason] = &[UNAUTHENTICATED, TOKEN_EXPIRED];

    async fn identify(app: &A, head: &Head) -> Result<Self, Problem> {
        if !head.headers.contains_key(header::AUTHORIZATION) {
            return Ok(Self(None));
        }
        SignedIn::from_token(app.as_ref(), head).map(|caller| Self(Some(caller)))
    }

    fn user(&self) -> Option<UserId> {
        self.0.map(|caller| caller.id)
    }
}

/// A signed-in user whose account was read again and is in use: for routes that move money.
#[derive(Clone, Debug)]
pub struct Active {
    /// The account, as it is now.
    pub account: User,
}

impl Active {
    /// Who.
    pub fn id(&self) -> UserId {
        self.account.id
    }

    /// Whether they are an admin now.
    pub fn is_admin(&self) -> bool {
        self.account.role == Role::Admin
    }
}

impl<A: AsRef<Edge> + Sync> Caller<A> for Active {
    const SIGNED_IN: bool = true;
    const REASONS: &'static [Reason] = &[UNAUTHENTICATED, TOKEN_EXPIRED];

    async fn identify(app: &A, head: &Head) -> Result<Self, Problem> {
        let edge = app.as_ref();
        let caller = SignedIn::from_token(edge, head)?;
        let account: Option<User> = edge.table.get_now(keys::user(caller.id)).await?;
        match account {
            Some(account) if account.standing == Standing::Active => Ok(Self { account }),
            _ => Err(Problem::new(UNAUTHENTICATED)),
        }
    }

    fn user(&self) -> Option<UserId> {
        Some(self.account.id)
    }
}

/// A user whose token says that they are a tutor .
#[derive(Clone, Copy, Debug)]
pub struct Tutor {
    /// Who.
    pub id: UserId,
}

impl<A: AsRef<Edge> + Sync> Caller<A> for Tutor {
    const SIGNED_IN: bool = true;
    const REASONS: &'static [Reason] = &[UNAUTHENTICATED, TOKEN_EXPIRED, Reason::FORBIDDEN];

    async fn identify(app: &A, head: &Head) -> Result<Self, Problem> {
        let caller = SignedIn::from_token(app.as_ref(), head)?;
        match caller.role {
            Role::Tutor => Ok(Self { id: caller.id }),
            Role::User | Role::Admin => Err(Problem::new(Reason::FORBIDDEN)),
        }
    }

    fn user(&self) -> Option<UserId> {
        Some(self.id)
    }
}

/// An admin whose account was read again: losing the role takes effect at once.
#[derive(Clone, Copy, Debug)]
pub struct Admin {
    /// Who.
    pub id: UserId,
}

impl<A: AsRef<Edge> + Sync> Caller<A> for Admin {
    const SIGNED_IN: bool = true;
    const REASONS: &'static [Reason] = &[UNAUTHENTICATED, TOKEN_EXPIRED, Reason::FORBIDDEN];

    async fn identify(app: &A, head: &Head) -> Result<Self, Problem> {
        let active = Active::identify(app, head).await?;
        if active.is_admin() { Ok(Self { id: active.id() }) } else { Err(Problem::new(Reason::FORBIDDEN)) }
    }

    fn user(&self) -> Option<UserId> {
        Some(self.id)
    }
}
