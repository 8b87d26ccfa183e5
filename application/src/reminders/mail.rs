use askama::Template;
use muster_domain::tasks::{ReminderKind, ReminderMail, Task, TaskSettings};
use muster_domain::users::User;

use crate::AppError;
use crate::ports::Mail;

#[derive(Template)]
#[template(path = "reminder.txt")]
struct Text<'a> {
    name: &'a str,
    news: &'a str,
    title: &'a str,
    due: Option<&'a str>,
}

/// What people typed as a name or a title is escaped here.
#[derive(Template)]
#[template(path = "reminder.html")]
struct Html<'a> {
    name: &'a str,
    news: &'a str,
    title: &'a str,
    due: Option<&'a str>,
}

/// The mail about a task, with its dates by the clock of the tenant. Every repeat of it has the same key, and so is
/// recognisable.
pub(super) fn mail(taken: &ReminderMail, task: &Task, user: &User, settings: &TaskSettings) -> Result<Mail, AppError> {
    let zone = settings.zone;
    let name = user.full_name.as_ref().map_or(user.username.as_str(), |name| name.as_str());
    let title = task.title.as_str();
    let (subject, news) = match taken.reminder.kind {
        ReminderKind::Reminder => ("Reminder", "this is a reminder of a task that is assigned to you"),
        ReminderKind::Due => ("Due", "a task that is assigned to you is due"),
        ReminderKind::Overdue => ("Overdue", "a task that you asked for was due and is not done"),
    };
    let due = task.due_at.map(|at| format!("{} ({zone})", at.with_timezone(&zone).format("%A, %-d %B %Y, %H:%M")));
    let due = due.as_deref();
    Ok(Mail {
        to: user.email.as_str().to_owned(),
        message_key: format!("reminder.{}", taken.id),
        subject: format!("{subject}: {title}"),
        text: Text { name, news, title, due }.render().map_err(AppError::internal)?,
        html: Html { name, news, title, due }.render().map_err(AppError::internal)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_typed_is_escaped_in_html_and_left_alone_in_text() {
        let (name, news, title, due) = ("<b>Ada</b>", "a task is due", "Call <Bob> & \"Co\"", None);
        let html = Html { name, news, title, due }.render().unwrap();
        assert!(!html.contains("<b>Ada") && !html.contains("<Bob>") && html.contains("Bob"), "{html}");
        assert!(!html.contains("Due"), "{html}");
        let text = Text { name, news, title, due: Some("Monday") }.render().unwrap();
        assert!(text.contains("Hello <b>Ada</b>,") && text.contains("Call <Bob> & \"Co\"\n"), "{text}");
        assert!(text.contains("Due: Monday"), "{text}");
    }
}
