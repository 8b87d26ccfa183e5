//! A partner of a tenant, who signs requests.

use std::process::Command;

use anyhow::{Context as _, Result};
use muster_testkit::{provision::workspace_dir, stack::Stack, tools::output_of};
use serde_json::Value;

use crate::client::{Answer, Client, at};

/// A client, as `muster partner` printed it.
#[derive(Clone, Debug)]
pub struct Partner {
    /// By what it names itself.
    pub id: String,
    /// With what it signs.
    pub secret: String,
}

/// Headers by name.
pub type Headers = Vec<(String, String)>;

/// Runs `muster partner`; what it prints.
pub fn muster(stack: &Stack, arguments: &[&str]) -> Result<String> {
    output_of(stack.muster()?.arg("partner").args(arguments))
}

/// The client that `muster partner` printed.
pub fn read(printed: &str) -> Result<Partner> {
    let of = |name: &str| {
        let line = printed.lines().find_map(|line| line.strip_prefix(name));
        line.map(|value| value.trim().to_owned()).with_context(|| format!("no {name} in {printed}"))
    };
    Ok(Partner { id: of("client id:")?, secret: of("secret:")? })
}

/// Makes a client of a tenant.
pub fn add(stack: &Stack, tenant: &str) -> Result<Partner> {
    read(&muster(stack, &["add", "--tenant", tenant, "--name", "Billing", "--allow", "127.0.0.0/8"])?)
}

impl Partner {
    /// Signs with what the documentation gives to partners.
    pub fn sign(&self, method: &str, path: &str, body: &Value) -> Result<Headers> {
        const SCRIPT: &str = "import json, sys; sys.path.insert(0, sys.argv[1]); from partner_signature import sign; \
                              print(json.dumps(sign(*sys.argv[2:5], sys.argv[5].encode())))";
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let docs = workspace_dir()?.join("docs");
        let mut python = Command::new("python3");
        python.args(["-c", SCRIPT]).arg(docs).args([&self.secret, method, path, &text]);
        python.env("PYTHONDONTWRITEBYTECODE", "1");
        let signed: Value = serde_json::from_str(&output_of(&mut python).context("python3 is needed to sign")?)?;
        let header =
            |name: &str| (name.to_owned(), at(&signed, &format!("/{name}")).as_str().unwrap_or_default().to_owned());
        Ok(vec![("X-API-Client-ID".to_owned(), self.id.clone()), header("X-API-Timestamp"), header("X-API-Signature")])
    }
}

/// Sends a request with these headers; what the API says.
pub fn send(client: &Client, method: &str, path: &str, headers: &Headers, body: &Value) -> Result<Answer> {
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    client.with_token(None).ask(method, path, &headers, body)
}
