use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::PanicHookInfo;

/// Says where a panic was. Its text is said only if it stands in the code as it is: one that was put together may hold what was
/// worked on, such as the address of somebody. `RUST_BACKTRACE=1` shows the way there.
pub(super) fn log(panic: &PanicHookInfo<'_>) {
    let at = panic.location().map(ToString::to_string).unwrap_or_default();
    let text = panic.payload().downcast_ref::<&'static str>().copied();
    let text = text.unwrap_or("its text may hold personal data and is left out");
    let trace = Backtrace::capture();
    let trace = (trace.status() == BacktraceStatus::Captured).then(|| tracing::field::display(&trace));
    tracing::error!(panic.at = at, panic.text = text, panic.backtrace = trace, "a panic");
}
