//! Demo data: whether a start makes it, and making it.

use axum::Router;
use storage::Table;

use super::CannotStart;
use crate::{
    cli::ServerOptions,
    data_folder::{DataFolder, DemoMark},
    demo,
    environment::Environment,
    operator::Operator,
};

/// How often the demo data is gone on with: a disk that others are busy with may keep the table from answering in time.
const DEMO_TRIES: u32 = 3;

/// What is to be done about demo data.
pub struct Demo {
    mark: Option<DemoMark>,
}

impl Demo {
    /// Looks before the table is made: demo data goes into a new table only, and once begun it is
    /// completed.
    pub async fn prepare(
        options: &ServerOptions,
        environment: &Environment,
        folder: &DataFolder,
        table: &Table,
    ) -> Result<Self, CannotStart> {
        let place = environment.dynamodb.as_deref().unwrap_or("embedded");
        let place = format!("{place} {}", environment.table_name());
        if options.no_demo {
            return Ok(Self { mark: None });
        }
        if table.answers().await {
            return Ok(Self { mark: folder.demo_mark()?.filter(|mark| mark.table == place) });
        }
        let mark = DemoMark { table: place, complete: false };
        folder.keep_demo_mark(&mark)?;
        Ok(Self { mark: Some(mark) })
    }

    /// Completes the data, and answers who can log in.
    pub async fn make(
        self,
        api: Router,
        operator: &Operator,
        folder: &DataFolder,
        remarks: &mut Vec<String>,
    ) -> Result<Vec<demo::DemoAccount>, CannotStart> {
        let Some(mark) = self.mark else { return Ok(vec![]) };
        if !mark.complete {
            let mut made = demo::make(api.clone(), operator, operator.clock.now()).await;
            for _ in 1..DEMO_TRIES {
                if made.is_ok() {
                    break;
                }
                made = demo::make(api.clone(), operator, operator.clock.now()).await;
            }
            match made {
                Ok(()) => folder.keep_demo_mark(&DemoMark { complete: true, ..mark })?,
                // The server is of use without it.
                Err(error) => remarks.push(format!("the demo data is not complete: {error}")),
            }
        }
        Ok(demo::accounts())
    }
}
