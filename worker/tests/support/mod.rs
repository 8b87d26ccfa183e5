//! What tests of the worker share.

use anyhow::Result;
use muster_application::imports::{ImportRow, NewUpload};
use muster_application::{App, Context};
use muster_domain::operations::{Operation, OperationOptions, UploadFormat};

/// Begins an import of so many users, of whom the first `bad` have an address that is none.
pub async fn import(app: &App, ctx: &Context, users: u32, bad: u32, options: OperationOptions) -> Result<Operation> {
    let mut upload = app.begin_upload(ctx.clone(), NewUpload::import(UploadFormat::Csv, None)).await?;
    for row in 1..=users {
        let email = if row <= bad { "bad".to_owned() } else { format!("user{row}@example.com") };
        let row = ImportRow {
            line: row.into(),
            email: Some(email.into()),
            username: Some(format!("user{row}").into()),
            ..ImportRow::default()
        };
        upload.push(&row)?;
        upload.flush().await?;
    }
    Ok(upload.finish(options, &[]).await?.operation)
}
