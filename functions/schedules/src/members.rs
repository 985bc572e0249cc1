//! Who is on a schedule: the PWT's tutor, its buyers and admins.

use devloop_http::{Caller, Head, Input, Path, Problem, SignedIn, TOKEN_EXPIRED, UNAUTHENTICATED};
use domain::{
    accounts::{Approval, Role, Standing},
    ids::{PwtId, ScheduleId, UserId},
    refusal::{Kind, Reason},
};
use storage::{
    items::{Buyer, Pwt, Todo, User},
    keys, pick,
};

use crate::App;

const NOT_A_MEMBER: Reason = Reason::new(
    Kind::Forbidden,
    "NOT_A_MEMBER",
    "이 일정의 멤버만 이용할 수 있습니다.",
    "Only members of this schedule may use it.",
);
const SCHEDULE_NOT_FOUND: Reason =
    Reason::not_found("SCHEDULE_NOT_FOUND", "존재하지 않는 일정입니다.", "There is no such schedule.");
const PWT_NOT_FOUND: Reason =
    Reason::not_found("PWT_NOT_FOUND", "존재하지 않는 프로젝트입니다.", "There is no such project.");

/// A member of the schedule that the first path parameter names. Membership is read again for
/// each request, so that a refund or the loss of a role takes effect at once.
#[derive(Clone, Debug)]
pub struct ScheduleMember {
    /// Who.
    pub user: UserId,
    /// Whether they are an admin now.
    pub is_admin: bool,
    /// Whether they lead the PWT.
    pub is_tutor: bool,
    /// The PWT that is planned here.
    pub pwt: Pwt,
}

impl ScheduleMember {
    /// The schedule.
    pub fn schedule(&self) -> ScheduleId {
        self.pwt.id.into()
    }

    /// Whether they may change or delete a todo: tutor and admins every one, buyers their own.
    pub fn may_change(&self, todo: &Todo) -> bool {
        self.is_tutor || self.is_admin || todo.creator_id == self.user
    }

    /// `user` as a member of the schedule of `pwt`, if there is one and they are.
    pub async fn find(app: &App, pwt: PwtId, user: UserId) -> Result<Result<Self, NotFound>, storage::Error> {
        let found = app.table.get_mixed_now([keys::pwt(pwt), keys::buyer(pwt.into(), user), keys::user(user)]).await?;
        let pwt = pick::<Pwt>(&found)?.filter(|pwt| pwt.approval == Approval::Approved);
        let Some(pwt) = pwt else { return Ok(Err(NotFound::Schedule)) };
        let account = pick::<User>(&found)?.filter(|account| account.standing != Standing::Withdrawn);
        let Some(account) = account else { return Ok(Err(NotFound::Member)) };
        let is_buyer = pick::<Buyer>(&found)?.is_some_and(|buyer| !buyer.refunding);
        let is_admin = account.role == Role::Admin && account.standing == Standing::Active;
        let is_tutor = pwt.tutor_id == user;
        let is_member = is_buyer || is_admin || is_tutor;
        Ok(if is_member { Ok(Self { user, is_admin, is_tutor, pwt }) } else { Err(NotFound::Member) })
    }

    async fn of(app: &App, head: &Head, not_found: Reason) -> Result<Self, Problem> {
        let SignedIn { id: user, .. } = SignedIn::identify(app, head).await?;
        let Path(pwt) = Path::<PwtId>::read(head, &mut None)?;
        let member = Self::find(app, pwt, user).await?;
        member.map_err(|missing| Problem::new(if missing == NotFound::Member { NOT_A_MEMBER } else { not_found }))
    }
}

/// What is missing where somebody is no member of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotFound {
    /// No project is approved under that id.
    Schedule,
    /// They are not on it.
    Member,
}

impl Caller<App> for ScheduleMember {
    const SIGNED_IN: bool = true;
    const REASONS: &'static [Reason] = &[UNAUTHENTICATED, TOKEN_EXPIRED, NOT_A_MEMBER, SCHEDULE_NOT_FOUND];

    async fn identify(app: &App, head: &Head) -> Result<Self, Problem> {
        Self::of(app, head, SCHEDULE_NOT_FOUND).await
    }

    fn user(&self) -> Option<UserId> {
        Some(self.user)
    }
}

/// The same where the path names the PWT: what is not found then is that.
#[derive(Clone, Debug)]
pub struct PwtMember(pub ScheduleMember);

impl Caller<App> for PwtMember {
    const SIGNED_IN: bool = true;
    const REASONS: &'static [Reason] = &[UNAUTHENTICATED, TOKEN_EXPIRED, NOT_A_MEMBER, PWT_NOT_FOUND];

    async fn identify(app: &App, head: &Head) -> Result<Self, Problem> {
        ScheduleMember::of(app, head, PWT_NOT_FOUND).await.map(Self)
    }

    fn user(&self) -> Option<UserId> {
        Some(self.0.user)
    }
}
