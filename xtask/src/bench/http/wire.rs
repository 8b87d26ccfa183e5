//! One connection of the load loop, kept: a request is written, its answer is read when it is there.

use std::{
    io::{IoSliceMut, Write as _},
    net::{Ipv4Addr, TcpStream},
    os::fd::{AsFd, AsRawFd as _, BorrowedFd},
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context as _, Result, bail, ensure};
use nix::{
    cmsg_space,
    errno::Errno,
    sys::{
        socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt::ReceiveTimestampns},
        time::TimeSpec,
    },
};

/// Bytes; more than any answer has.
const LONGEST: usize = 256 * 1024;

/// When it was asked for, and when it was there.
#[derive(Clone, Copy)]
pub(super) struct Answer {
    pub(super) from: Instant,
    pub(super) to: Instant,
}

pub(super) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// How many bytes of the answer are there.
    have: usize,
    /// When the answer was asked for.
    from: Instant,
}

impl Connection {
    pub(super) fn open(port: u16) -> Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        setsockopt(&stream, ReceiveTimestampns, &true)?;
        Ok(Self { stream, buffer: vec![0; LONGEST], have: 0, from: Instant::now() })
    }

    /// Asks. A request is so short that the socket takes all of it at once.
    pub(super) fn send(&mut self, request: &[u8], from: Instant) -> Result<()> {
        self.have = 0;
        self.from = from;
        Ok(self.stream.write_all(request)?)
    }

    /// Reads what is there, and gives the answer once it is whole.
    pub(super) fn receive(&mut self, status: u16) -> Result<Option<Answer>> {
        let room = self.buffer.get_mut(self.have..).filter(|room| !room.is_empty()).context("an answer is too long")?;
        let mut parts = [IoSliceMut::new(room)];
        let mut control = cmsg_space!(TimeSpec);
        let message = match recvmsg::<()>(self.stream.as_raw_fd(), &mut parts, Some(&mut control), MsgFlags::empty()) {
            Err(Errno::EAGAIN) => return Ok(None),
            other => other?,
        };
        let now = Instant::now();
        ensure!(message.bytes > 0, "the server closed the connection");
        let arrival = message.cmsgs()?.find_map(|part| match part {
            ControlMessageOwned::ScmTimestampns(at) => Some(SystemTime::UNIX_EPOCH + Duration::from(at)),
            _ => None,
        });
        self.have += message.bytes;
        let got = self.buffer.get(..self.have).unwrap_or_default();
        let Some((answered, _)) = head(got).filter(|(_, length)| self.have >= *length) else { return Ok(None) };
        if answered != status {
            let shown: String = String::from_utf8_lossy(got).chars().take(2_000).collect();
            bail!("an answer had the status {answered} instead of {status}: {shown}");
        }
        // It was there when the kernel had its last byte. That this loop had to wait for a core then is not the server's.
        let waited = arrival.and_then(|arrival| arrival.elapsed().ok()).unwrap_or_default();
        Ok(Some(Answer { from: self.from, to: now.checked_sub(waited).unwrap_or(now).max(self.from) }))
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// Status and length of the whole answer, once its head is there.
fn head(got: &[u8]) -> Option<(u16, usize)> {
    let end = got.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(got.get(..end)?).ok()?;
    let status = head.get(9..12)?.parse().ok()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    Some((status, end + length.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::head;

    #[test]
    fn an_answer_is_whole_when_its_body_is() {
        assert_eq!(head(b"HTTP/1.1 200 OK\r\ncontent-"), None);
        assert_eq!(head(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"), Some((200, 43)));
        assert_eq!(head(b"HTTP/1.1 204 No Content\r\nx: y\r\n\r\n"), Some((204, 33)));
    }
}
