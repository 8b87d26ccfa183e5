//! An upload by hand, over a bare connection: to be held open, cut off or left half done.

use std::{
    fmt::Write as _,
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use anyhow::{Context as _, Result};

use crate::client::{BATCH, Client};

/// A POST of users whose body comes in chunks, when the test says so.
#[derive(Debug)]
pub struct Upload {
    stream: TcpStream,
}

impl Upload {
    /// Sends the head of the request.
    pub fn begin(client: &Client, media: &str, headers: &[(&str, &str)]) -> Result<Self> {
        let address = client.base().trim_start_matches("http://");
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_mins(1)))?;
        let mut head = format!(
            "POST {BATCH} HTTP/1.1\r\nHost: {address}\r\nX-Tenant-Token: {}\r\nContent-Type: {media}\r\n\
             Transfer-Encoding: chunked\r\nConnection: close\r\n",
            client.token()
        );
        for (name, value) in headers {
            write!(head, "{name}: {value}\r\n")?;
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes())?;
        Ok(Self { stream })
    }

    /// Sends a piece of the body.
    pub fn send(&mut self, piece: &[u8]) -> Result<()> {
        self.stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes())?;
        self.stream.write_all(piece)?;
        self.stream.write_all(b"\r\n")?;
        Ok(())
    }

    /// Ends the body; gives the status of the answer and all of its text.
    pub fn finish(mut self) -> Result<(u16, String)> {
        self.stream.write_all(b"0\r\n\r\n")?;
        let mut answer = Vec::new();
        self.stream.read_to_end(&mut answer)?;
        let text = String::from_utf8_lossy(&answer).into_owned();
        let status = text.split_whitespace().nth(1).and_then(|code| code.parse().ok());
        Ok((status.with_context(|| format!("no HTTP answer: {text}"))?, text))
    }

    /// Goes away without a word, as a client that crashes does.
    pub fn cut(self) {
        drop(self.stream);
    }
}
