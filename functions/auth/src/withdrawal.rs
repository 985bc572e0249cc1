//! Leaving, step by step. Each step may be cut off: the next withdrawal goes on where it was.
//!
//! An account that is WITHDRAWING cannot order, so what is found open then is all there is. Its
//! version names one leaving: whoever calls it off, or begins another one, raises it.

use domain::{
    accounts::{Approval, Standing},
    attachments::{AttachmentState, gone_for_good},
    ids::{OrderId, PwtId, UserId},
    money::Won,
    time::Time,
};
use storage::{
    Error, Query, Tx, TxError, Write, WriteError, decode,
    items::{
        Application, Attachment, EmailGuard, Feed, OpenOrder, Place, Purchase, Pwt, Report, ReportGuard, Stored, User,
    },
    keys::{self, Key},
    pick_all,
};

use crate::App;

/// Everything of a partition that belongs to one user.
const ALL: usize = usize::MAX;
/// How often something is tried that others change meanwhile.
const TRIES: usize = 3;
/// DynamoDB's limit of a transaction.
const MOST_WRITES: usize = 100;

/// What somebody has to see through before they may leave.
#[derive(Debug)]
pub enum Unfinished {
    /// Orders that are unpaid, or whose money is on its way back.
    Orders(Vec<OrderId>),
    /// Projects that were paid for, or that are led, and are not over.
    Projects(Vec<PwtId>),
}

/// ACTIVE → WITHDRAWING; `None` if somebody changes the account all the time, or its password.
pub async fn begin(app: &App, mut account: User) -> Result<Option<User>, Error> {
    let password_hash = account.password_hash.clone();
    for _ in 0..TRIES {
        match account.standing {
            Standing::Withdrawing => return Ok(Some(account)),
            Standing::Withdrawn => return Ok(None),
            Standing::Active => {}
        }
        match app.edge.table.write(account.turn(Standing::Withdrawing)).await {
            Ok(()) => {
                let version = account.version.saturating_add(1);
                return Ok(Some(User { standing: Standing::Withdrawing, version, ..account }));
            }
            Err(WriteError::Storage(error)) => return Err(error),
            Err(WriteError::Unmet(None)) => return Ok(None),
            Err(WriteError::Unmet(Some(item))) => account = decode(item)?,
        }
        if account.password_hash != password_hash {
            return Ok(None);
        }
    }
    Ok(None)
}

/// WITHDRAWING → ACTIVE, unless it is something else by now.
pub async fn call_off(app: &App, leaving: &User) -> Result<(), Error> {
    match app.edge.table.write(leaving.turn(Standing::Active)).await {
        Ok(()) | Err(WriteError::Unmet(_)) => Ok(()),
        Err(WriteError::Storage(error)) => Err(error),
    }
}

/// What keeps somebody from leaving, and what they lead that nobody has seen yet.
pub async fn look(app: &App, user: UserId, now: Time) -> Result<Result<Vec<Pwt>, Unfinished>, Error> {
    let table = &app.edge.table;
    let own = |prefix| Query::partition(keys::user_partition(user), prefix);
    let open: Vec<OpenOrder> = table.all(&own(keys::OPEN_ORDER), ALL).await?;
    let bought: Vec<Purchase> = table.all(&own(keys::PURCHASE), ALL).await?;
    let refunding = bought.iter().filter(|purchase| purchase.refunding).map(|purchase| purchase.order_id);
    let mut orders: Vec<OrderId> = open.iter().map(|guard| guard.order_id).chain(refunding).collect();
    if !orders.is_empty() {
        orders.sort_unstable();
        orders.dedup();
        return Ok(Err(Unfinished::Orders(orders)));
    }
    let paid =
        bought.iter().filter(|purchase| purchase.price.won() > Won::ZERO).map(|purchase| purchase.product_id.into());
    let paid: Vec<Pwt> = table.get_all_now(paid.map(keys::pwt)).await?;
    let led: Vec<Pwt> = table.all(&Query::index("gsi2", keys::pwts_of(user)), ALL).await?;
    // The index may be behind an approval.
    let led: Vec<Pwt> = table.get_all_now(led.iter().map(|pwt| keys::pwt(pwt.id))).await?;
    let (led, unseen): (Vec<Pwt>, Vec<Pwt>) = led.into_iter().partition(|pwt| pwt.approval == Approval::Approved);
    let running = paid.iter().chain(&led).filter(|pwt| pwt.ends_at > now).map(|pwt| pwt.id);
    let mut running: Vec<PwtId> = running.collect();
    running.sort_unstable();
    Ok(if running.is_empty() { Ok(unseen) } else { Err(Unfinished::Projects(running)) })
}

/// Removes what hangs on the account but what the law wants kept: orders, and the purchases that
/// are made of them, hold ids only.
pub async fn clear(app: &App, user: UserId, unseen: Vec<Pwt>) -> Result<(), Error> {
    let table = &app.edge.table;
    let listed = table.all_mixed(&Query::index("gsi2", keys::places_of(user)), ALL).await?;
    let places: Vec<Place> = table.get_all_now(listed.iter().filter_map(Key::of)).await?;
    for place in places {
        leave(app, place).await?;
    }
    for pwt in unseen {
        // Unless it was decided on before: then leaving is called off, too.
        let delete = Write::delete(keys::pwt(pwt.id)).if_absent_or_is("version", pwt.version);
        match table.write(delete).await {
            Ok(()) | Err(WriteError::Unmet(_)) => {}
            Err(WriteError::Storage(error)) => return Err(error),
        }
    }
    give_files_up(app, user).await?;
    let listed = table.all_mixed(&Query::index("gsi2", keys::applications_of(user)), ALL).await?;
    let applications: Vec<Application> = table.get_all_now(listed.iter().filter_map(Key::of)).await?;
    for application in applications {
        take_back(app, application).await?;
    }
    let own = table.all_mixed(&Query::partition(keys::user_partition(user), ""), ALL).await?;
    let feeds: Vec<Feed> = pick_all(&own)?;
    for report in pick_all::<ReportGuard>(&own)? {
        // The guard, which leads here, goes after it.
        all_of(app, [Report::forget_detail(report.report_id)]).await?;
    }
    let counts = table.all_mixed(&Query::partition(keys::posting_windows_of(user), ""), ALL).await?;
    let answers = table.all_mixed(&Query::partition(keys::idempotency_of(user), ""), ALL).await?;
    // The index may be behind: what was bookmarked a moment ago holds ids only.
    let bookmarks = table.all_mixed(&Query::index("gsi2", keys::bookmarks_of(user)), ALL).await?;
    let goes = own
        .iter()
        .chain(&answers)
        .chain(&counts)
        .chain(&bookmarks)
        .filter_map(Key::of)
        .filter(|key| !is_kept(user, key));
    // What is found by another item goes before it.
    let mut writes: Vec<Write> = feeds.iter().map(Feed::revoke).chain(goes.map(Write::delete)).collect();
    while !writes.is_empty() {
        let rest = writes.split_off(writes.len().min(MOST_WRITES));
        all_of(app, writes).await?;
        writes = rest;
    }
    Ok(())
}

/// Files that nothing uses are removed soon; those of posts stay with them.
async fn give_files_up(app: &App, user: UserId) -> Result<(), Error> {
    let table = &app.edge.table;
    let listed = table.all_mixed(&Query::index("gsi2", keys::attachments_of(user)), ALL).await?;
    let files: Vec<Attachment> = table.get_all_now(listed.iter().filter_map(Key::of)).await?;
    let unused = [AttachmentState::Pending, AttachmentState::Ready];
    for file in files.into_iter().filter(|file| unused.contains(&file.state)) {
        let due = gone_for_good(file.upload_until, app.edge.clock.now());
        match table.write(file.give_up(due)).await {
            // Completed or used a moment ago: whoever leaves does nothing else meanwhile.
            Ok(()) | Err(WriteError::Unmet(_)) => {}
            Err(WriteError::Storage(error)) => return Err(error),
        }
    }
    Ok(())
}

/// The account and the application go last, together. Guards of orders are theirs to delete.
fn is_kept(user: UserId, key: &Key) -> bool {
    *key == keys::user(user)
        || *key == keys::tutor_application(user)
        || [keys::PURCHASE, keys::OPEN_ORDER].iter().any(|kind| key.sk.starts_with(kind))
}

/// WITHDRAWING → WITHDRAWN, with the address, the picture and the application; `false` if it was called off.
pub async fn finish(app: &App, leaving: &User) -> Result<bool, Error> {
    let email = leaving.email.as_ref().map(|email| EmailGuard::release(email, leaving.id));
    let application = Write::delete(keys::tutor_application(leaving.id));
    let tx = Tx::once(app.edge.ids.token()).and(leaving.withdraw(), ());
    let (user, now) = (keys::user_partition(leaving.id), app.edge.clock.now());
    let picture = leaving.image.as_ref().map(|image| Attachment::release(image.id, &user, now));
    let tx = tx.and(application, ()).and_all(email.into_iter().chain(picture).map(|write| (write, ())));
    match tx.commit(&app.edge.table).await {
        Ok(()) => Ok(true),
        Err(TxError::Storage(error)) => Err(error),
        // Done all the same, if another request was faster.
        Err(TxError::Unmet(_)) => {
            let account: Option<User> = app.edge.table.get_now(keys::user(leaving.id)).await?;
            Ok(account.is_none_or(|account| account.standing == Standing::Withdrawn))
        }
    }
}

/// Ends a place on a waitlist, whose turn may come meanwhile.
async fn leave(app: &App, place: Place) -> Result<(), Error> {
    let mut place = Some(place);
    for _ in 0..TRIES {
        let Some(found) = place else { return Ok(()) };
        let writes = found.claim.map_or_else(|| found.leave(), |claim| found.give_back(claim));
        if all_of(app, writes).await? {
            return Ok(());
        }
        place = app.edge.table.get_now(keys::place(found.pwt_id, found.id)).await?;
    }
    Err(Error::Busy { operation: "withdraw_account" })
}

/// Takes an application to a party back, which may be decided on meanwhile: what was said in it goes.
async fn take_back(app: &App, application: Application) -> Result<(), Error> {
    let mut present = Some(application);
    for _ in 0..TRIES {
        let Some(found) = present else { return Ok(()) };
        if all_of(app, found.end(found.withdraw())).await? {
            return Ok(());
        }
        present = app.edge.table.get_now(found.keys().key).await?;
    }
    Err(Error::Busy { operation: "withdraw_account" })
}

/// All or none; `false` if things are not as they were read any more.
async fn all_of(app: &App, writes: impl IntoIterator<Item = Write>) -> Result<bool, Error> {
    let tx = Tx::once(app.edge.ids.token()).and_all(writes.into_iter().map(|write| (write, ())));
    match tx.commit(&app.edge.table).await {
        Ok(()) => Ok(true),
        Err(TxError::Unmet(_)) => Ok(false),
        Err(TxError::Storage(error)) => Err(error),
    }
}
