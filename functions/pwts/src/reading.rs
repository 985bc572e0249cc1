//! Reads that several endpoints share: a project's seats, its tutor, and its full view.

use std::collections::{BTreeSet, HashMap};

use domain::{
    accounts::{Approval, Role},
    ids::{PwtId, UserId},
    refusal::{Details, Reason, Refusal},
};
use serde_json::Value;
use storage::{
    Error,
    items::{Pwt, SeatShard, User},
    keys, pick, pick_all,
};

use crate::{
    App, stock,
    views::{AdminPwtView, PwtView, TutorView},
};

/// There is no such project, or the caller may not know of it.
pub const PWT_NOT_FOUND: Reason =
    Reason::not_found("PWT_NOT_FOUND", "프로젝트를 찾을 수 없습니다.", "There is no such project.");

/// Why somebody may not act on a project as its tutor or an admin.
#[derive(Debug, thiserror::Error)]
pub enum NotYours {
    /// There is none, or the caller may not know of it.
    #[error("no such project, or not the caller's to know of")]
    NotFound,
    /// Everybody knows of it, and it is not theirs.
    #[error("not the caller's project")]
    Forbidden,
    /// The table failed.
    #[error(transparent)]
    Storage(#[from] Error),
}

impl Refusal for NotYours {
    const REASONS: &'static [Reason] = &[PWT_NOT_FOUND, Reason::FORBIDDEN];

    fn reason(&self) -> Reason {
        match self {
            Self::NotFound => PWT_NOT_FOUND,
            Self::Forbidden => Reason::FORBIDDEN,
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::Storage(error) => error.details(),
            Self::NotFound | Self::Forbidden => Details::default(),
        }
    }
}

/// A project as it is now, for its tutor or an admin: what `caller`'s account says by now.
pub async fn yours(app: &App, caller: &User, id: PwtId) -> Result<Pwt, NotYours> {
    let pwt: Pwt = app.table.get_now(keys::pwt(id)).await?.ok_or(NotYours::NotFound)?;
    if pwt.tutor_id == caller.id || caller.role == Role::Admin {
        Ok(pwt)
    } else if pwt.approval == Approval::Approved {
        Err(NotYours::Forbidden)
    } else {
        Err(NotYours::NotFound)
    }
}

/// The seats of a project as they are now, shard by shard; none before approval.
pub async fn shards_of(app: &App, pwt: &Pwt) -> Result<Vec<SeatShard>, Error> {
    sorted(pwt, app.table.get_all_now(pwt.seat_keys()).await?)
}

/// The shards in order, all of them; none if the project was deleted meanwhile.
pub fn sorted(pwt: &Pwt, mut shards: Vec<SeatShard>) -> Result<Vec<SeatShard>, Error> {
    shards.sort_unstable_by_key(|shard| shard.shard);
    if shards.is_empty() || shards.len() == pwt.seat_keys().len() {
        Ok(shards)
    } else {
        Err(Error::Corrupt(format!("PWT {}: {} of {} seat shards", pwt.id, shards.len(), pwt.seat_shards)))
    }
}

/// The tutors of these projects, who may have changed a moment ago.
pub async fn tutors_of(app: &App, pwts: &[Pwt]) -> Result<HashMap<UserId, User>, Error> {
    let ids: BTreeSet<UserId> = pwts.iter().map(|pwt| pwt.tutor_id).collect();
    let users: Vec<User> = app.table.get_all(ids.into_iter().map(keys::user)).await?;
    Ok(users.into_iter().map(|user| (user.id, user)).collect())
}

/// A project without a tutor: accounts are never deleted.
pub fn no_tutor(pwt: &Pwt) -> Error {
    Error::Corrupt(format!("PWT {} has no tutor", pwt.id))
}

/// Its tutor, and how many seats are left, if it has any yet: both may be a moment old.
async fn tutor_and_left(app: &App, pwt: &Pwt) -> Result<(User, Option<u32>), Error> {
    let found = app.table.get_mixed(pwt.seat_keys().into_iter().chain([keys::user(pwt.tutor_id)])).await?;
    let tutor = pick(&found)?.ok_or_else(|| no_tutor(pwt))?;
    Ok((tutor, left(pwt, &pick_all(&found)?)))
}

fn left(pwt: &Pwt, shards: &[SeatShard]) -> Option<u32> {
    (pwt.approval == Approval::Approved).then(|| stock::left(shards))
}

/// The full view of a project.
pub async fn view(app: &App, pwt: Pwt) -> Result<PwtView, Error> {
    let (tutor, left) = tutor_and_left(app, &pwt).await?;
    Ok(PwtView::of(pwt, TutorView::of(&tutor), left, app.clock.now()))
}

/// The full view of a project whose seats are known already.
pub async fn view_with(app: &App, pwt: Pwt, shards: &[SeatShard]) -> Result<PwtView, Error> {
    let tutor: Option<User> = app.table.get(keys::user(pwt.tutor_id)).await?;
    let tutor = tutor.ok_or_else(|| no_tutor(&pwt))?;
    let left = left(&pwt, shards);
    Ok(PwtView::of(pwt, TutorView::of(&tutor), left, app.clock.now()))
}

/// The full view of a project for admins.
pub async fn view_for_admin(app: &App, pwt: Pwt) -> Result<AdminPwtView, Error> {
    let (tutor, left) = tutor_and_left(app, &pwt).await?;
    let pwt = PwtView::of(pwt, TutorView::of(&tutor), left, app.clock.now());
    Ok(AdminPwtView { pwt, tutor_email: tutor.email })
}

/// A view as it goes into a refusal.
pub fn as_member(view: &impl serde::Serialize) -> Result<Value, Error> {
    serde_json::to_value(view).map_err(|error| Error::Corrupt(error.to_string()))
}
