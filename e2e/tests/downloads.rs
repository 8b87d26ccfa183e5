//! Files of rows are streamed: however large they are and however slow their readers, they cost little.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use muster_e2e::{
    World, rows,
    world::{count, test},
};
use muster_testkit::{procfs, tools::wait_until};

const USERS: usize = 200_000;
const READERS: usize = 20;
/// How much more memory the API may use for all of them; the file alone has about as much.
const MEMORY: u64 = 48 << 20;

fn open(world: &World, id: &str) -> Result<TcpStream> {
    let mut socket = TcpStream::connect(world.api.url().trim_start_matches("http://"))?;
    socket.set_read_timeout(Some(Duration::from_mins(1)))?;
    let token = world.client.token();
    let path = format!("/api/v1/operations/{id}/rows?format=csv");
    let head = format!("GET {path} HTTP/1.1\r\nhost: muster\r\nx-tenant-token: {token}\r\nconnection: close\r\n\r\n");
    socket.write_all(head.as_bytes())?;
    Ok(socket)
}

#[test]
fn slow_readers_hold_no_transaction_and_little_memory() {
    test("downloads", |stack| {
        // Nothing is done without a worker; every row is there all the same.
        let world = World::start_with(stack, &[], None)?;
        let id = world.client.import_csv("send_welcome=false", &rows::csv("d", USERS)?)?;
        let rss = || procfs::rss(world.api.pid()).context("no /proc");
        let before = rss()?;
        let mut readers = Vec::new();
        for _ in 0..READERS {
            let mut socket = open(&world, &id)?;
            let mut first = [0; 1024];
            socket.read_exact(&mut first)?;
            readers.push(socket);
        }
        // They have begun and read no more; what the sockets do not take waits in storage.
        wait_until("no transaction", Duration::from_secs(20), || {
            let open = "select count(*) from pg_stat_activity where datname = current_database() \
                        and pid <> pg_backend_pid() and state <> 'idle'";
            Ok((count(stack, open)? == 0).then_some(()))
        })?;
        let more = rss()?.saturating_sub(before);
        println!("{READERS} readers that wait: {} KiB more resident", more >> 10);
        ensure!(more < MEMORY, "{more} bytes more for {READERS} readers");
        // One of them goes on, and gets it all.
        let mut text = String::new();
        readers.pop().context("no reader")?.read_to_string(&mut text)?;
        let pending = text.matches(",pending,").count();
        ensure!(text.ends_with("0\r\n\r\n"), "it broke off");
        // The first kilobyte is read already, and a chunk may begin in the middle of a word.
        ensure!((USERS - 400..=USERS).contains(&pending), "{pending} rows");
        let more = rss()?.saturating_sub(before);
        println!("after a whole file of {} KiB: {} KiB more resident", text.len() >> 10, more >> 10);
        ensure!(more < MEMORY, "{more} bytes more");
        Ok(())
    });
}
