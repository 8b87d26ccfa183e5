use std::fs::{File, OpenOptions, rename};
use std::io::{ErrorKind, Read, Write, stdout};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use ureq::Body;
use ureq::http::Response;

use super::remote::Connection;
use super::watch::{explain, retry_after};

/// How long one answer is read before the rest is asked for: a peer that is gone without a word is given up then.
const ANSWER: Duration = Duration::from_mins(5);
/// For how long nothing may come before it is given up.
const PATIENCE: Duration = Duration::from_mins(1);
/// Pause before the rest is asked for.
const PAUSE: Duration = Duration::from_secs(1);
const BUFFER: usize = 64 << 10;

/// The file of an export, as its operation tells of it.
pub(super) struct Wanted {
    url: String,
    pub(super) bytes: u64,
    pub(super) rows: u64,
    blake3: String,
}

impl Wanted {
    pub(super) fn of(operation: &Value, api_url: &str) -> anyhow::Result<Self> {
        let file = operation.get("file").filter(|file| file.is_object());
        let file = file.context("the API tells of no file: is it an older release?")?;
        let text = |name| file.get(name).and_then(Value::as_str).unwrap_or_default();
        let number = |name| file.get(name).and_then(Value::as_u64).unwrap_or_default();
        let url = format!("{api_url}{}", text("href"));
        Ok(Self { url, bytes: number("bytes"), rows: number("rows"), blake3: text("blake3").to_owned() })
    }
}

/// What has come of a file, and where it goes.
pub(super) struct Download {
    out: Box<dyn Write>,
    /// What it is called until it is whole, and then.
    names: Option<(PathBuf, PathBuf)>,
    have: u64,
    digest: blake3::Hasher,
}

/// How an answer ended.
enum Came {
    /// Some of it, or all.
    Bytes,
    /// Nothing for the moment.
    Later(anyhow::Error, Duration),
}

impl Download {
    pub(super) fn to_stdout() -> Self {
        Self { out: Box::new(stdout()), names: None, have: 0, digest: blake3::Hasher::new() }
    }

    /// Goes on with what an earlier run has left beside the file, if that was of the same export.
    pub(super) fn to_file(path: &Path, id: &str) -> anyhow::Result<Self> {
        let name = path.file_name().with_context(|| format!("{} is no name of a file", path.display()))?;
        let part = path.with_file_name(format!(".{}.{id}.part", name.to_string_lossy()));
        let cannot = || format!("cannot write {}", part.display());
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(&part).with_context(cannot)?;
        let mut digest = blake3::Hasher::new();
        let have = digested(&mut file, &mut digest).with_context(cannot)?;
        Ok(Self { out: Box::new(file), names: Some((part, path.to_owned())), have, digest })
    }

    /// Reads the file with a progress bar; asks for the rest when it breaks off.
    pub(super) fn run(mut self, connection: &Connection, wanted: &Wanted) -> anyhow::Result<()> {
        let bar = ProgressBar::new(wanted.bytes);
        bar.set_style(ProgressStyle::with_template("downloading {bar:40} {bytes}/{total_bytes} {bytes_per_sec}")?);
        let mut last = Instant::now();
        while self.have < wanted.bytes {
            let before = self.have;
            let came = self.ask(connection, wanted, &bar)?;
            if self.have > before {
                last = Instant::now();
            } else if last.elapsed() > PATIENCE {
                match came {
                    Came::Later(error, _) => return Err(error),
                    Came::Bytes => bail!("the download stands still at {} of {} bytes", self.have, wanted.bytes),
                }
            }
            match came {
                Came::Later(_, pause) => sleep(pause),
                Came::Bytes if self.have < wanted.bytes => sleep(PAUSE),
                Came::Bytes => {}
            }
        }
        bar.finish_and_clear();
        self.end(wanted)
    }

    /// Asks for what is missing.
    fn ask(&mut self, connection: &Connection, wanted: &Wanted, bar: &ProgressBar) -> anyhow::Result<Came> {
        let mut request =
            connection.agent.get(&wanted.url).header("authorization", format!("Bearer {}", connection.token));
        // Ranges are of the bytes as they are; nothing on the way is to pack them.
        request = request.header("accept-encoding", "identity");
        if self.have > 0 {
            request = request.header("range", format!("bytes={}-", self.have));
            request = request.header("if-range", format!("\"{}\"", wanted.blake3));
        }
        let response = match request.config().timeout_recv_body(Some(ANSWER)).build().call() {
            Ok(response) => response,
            Err(error) => {
                return Ok(Came::Later(anyhow::Error::new(error).context("the API does not answer"), PAUSE));
            }
        };
        match response.status().as_u16() {
            200 if self.have == 0 => {}
            206 if self.have > 0 => {}
            200 | 206 => bail!("the API gave another part of the file than was asked for"),
            status => return refused(status, response),
        }
        self.take(response, bar)?;
        Ok(Came::Bytes)
    }

    /// Takes what comes. That the connection breaks is no failure; that it cannot be written is.
    fn take(&mut self, mut response: Response<Body>, bar: &ProgressBar) -> anyhow::Result<()> {
        let mut body = response.body_mut().as_reader();
        let mut buffer = vec![0; BUFFER];
        loop {
            let read = match body.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return Ok(()),
            };
            let bytes = buffer.get(..read).unwrap_or_default();
            self.out.write_all(bytes).context("cannot write what was downloaded")?;
            self.digest.update(bytes);
            self.have += u64::try_from(read)?;
            bar.set_position(self.have);
        }
    }

    /// Gives the file its name, if it is the right one.
    fn end(mut self, wanted: &Wanted) -> anyhow::Result<()> {
        self.out.flush().context("cannot write what was downloaded")?;
        let is_right = self.have == wanted.bytes && *self.digest.finalize().to_hex() == *wanted.blake3;
        let Some((part, path)) = self.names else {
            anyhow::ensure!(is_right, "what was written is not the file: its BLAKE3 is another one");
            return Ok(());
        };
        if !is_right {
            std::fs::remove_file(&part).with_context(|| format!("cannot remove {}", part.display()))?;
            bail!("what was downloaded is not the file, and was thrown away: its BLAKE3 is another one");
        }
        rename(&part, &path).with_context(|| format!("cannot rename {} to {}", part.display(), path.display()))
    }
}

/// How long a file is that was begun before, and its digest.
fn digested(file: &mut File, digest: &mut blake3::Hasher) -> std::io::Result<u64> {
    let mut buffer = vec![0; BUFFER];
    let mut have = 0;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(have);
        }
        digest.update(buffer.get(..read).unwrap_or_default());
        have += u64::try_from(read).unwrap_or_default();
    }
}

/// What asking again may mend, and what not.
fn refused(status: u16, mut response: Response<Body>) -> anyhow::Result<Came> {
    let pause = if status == 429 { retry_after(response.headers()) } else { PAUSE };
    let problem = response.body_mut().read_json::<Value>().unwrap_or_default();
    let error = anyhow::anyhow!("the API refused the file ({status}): {}", explain(&problem));
    if matches!(status, 408 | 429) || status >= 500 { Ok(Came::Later(error, pause)) } else { Err(error) }
}
