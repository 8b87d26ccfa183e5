//! A private Redis without persistence.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::Result;
use nix::sys::signal::Signal;

use crate::{child::Managed, ports::free_port, provision, tools::wait_until};

/// A Redis that this process started.
#[derive(Debug)]
pub struct Redis {
    program: PathBuf,
    home: PathBuf,
    port: u16,
    process: Option<Managed>,
}

impl Redis {
    /// Starts it on a free port.
    pub fn start(home: &Path) -> Result<Self> {
        let mut this = Self { program: provision::redis()?, home: home.to_owned(), port: free_port()?, process: None };
        this.start_again()?;
        Ok(this)
    }

    /// Starts it again, empty and on the same port.
    pub fn start_again(&mut self) -> Result<()> {
        if self.process.is_some() {
            return Ok(());
        }
        let mut command = Command::new(&self.program);
        command
            .args(["--bind", "127.0.0.1", "--port", &self.port.to_string()])
            .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
            .arg("--dir")
            .arg(&self.home);
        let mut process = Managed::spawn(&self.home, "redis", command)?;
        wait_until("Redis", Duration::from_secs(20), || {
            process.must_run()?;
            Ok(self.ping().ok())
        })?;
        self.process = Some(process);
        Ok(())
    }

    fn ping(&self) -> Result<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(b"PING\r\n")?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer)?;
        anyhow::ensure!(&answer == b"+PONG", "not Redis");
        Ok(())
    }

    /// Stops it.
    pub fn stop(&mut self) -> Result<()> {
        self.process.take().map_or(Ok(()), |mut process| process.stop().map(drop))
    }

    /// SIGKILL.
    pub fn kill_hard(&mut self) -> Result<()> {
        self.process.take().map_or(Ok(()), |mut process| process.kill_hard().map(drop))
    }

    /// Stops it in its tracks: connections stay, nothing is answered.
    pub fn pause(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Lets it go on after [`Redis::pause`].
    pub fn resume(&self) {
        self.signal(Signal::SIGCONT);
    }

    fn signal(&self, signal: Signal) {
        if let Some(process) = &self.process {
            process.signal(signal);
        }
    }

    /// Lets it run on when this value is dropped.
    pub fn keep(&mut self) {
        if let Some(process) = &mut self.process {
            process.keep();
        }
    }

    /// The URL for clients.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}
