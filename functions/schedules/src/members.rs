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

    async fn of(app: &App, head: &Head, not_found: Reason) -> Result<Self, Problem> {
        let SignedIn { id: user, .. } = SignedIn::identify(app, head).await?;
        let Path(pwt) = Path::<PwtId>::read(head, &mut None)?;
        let found = app.table.get_mixed_now([keys::pwt(pwt), keys::buyer(pwt.into(), user), keys::user(user)]).await?;
        let pwt = pick::<Pwt>(&found)?.filter(|pwt| pwt.approval == Approval::Approved);
        let pwt = pwt.ok_or_else(|| Problem::new(not_found))?;
        let is_buyer = pick::<Buyer>(&found)?.is_some_and(|buyer| !buyer.refunding);
        let is_admin =
            pick::<User>(&found)?.is_some_and(|user| user.role == Role::Admin && user.standing == Standing::Active);
        let is_tutor = pwt.tutor_id == user;
        if is_buyer || is_admin || is_tutor {
            Ok(Self { user, is_admin, is_tutor, pwt })
        } else {
            Err(Problem::new(NOT_A_MEMBER))
        }
    }
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
