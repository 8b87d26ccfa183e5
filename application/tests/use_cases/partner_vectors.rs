//! Signatures of partners are what anybody else computes: vectors that clients can use as well.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use muster_application::partners::{SignedParts, sign};
use muster_domain::partners::PartnerSecret;
use serde_json::Value;

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/partner-vectors.json");
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/partner_signature.py");

#[test]
fn every_vector_holds_here() -> Result<()> {
    let vectors: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(VECTORS)?)?;
    ensure!(vectors.len() >= 8, "some are missing");
    for vector in &vectors {
        let text = |name: &str| vector[name].as_str().with_context(|| format!("{name} is missing in {vector}"));
        let body = text("body")?.as_bytes();
        let parts = SignedParts { timestamp: text("timestamp")?, method: text("method")?, path: text("path")?, body };
        assert_eq!(parts.text(), text("string_to_sign")?, "{}", vector["name"]);
        let secret = PartnerSecret::stored(text("secret")?.to_owned());
        assert_eq!(sign(&secret, &parts)?, text("signature")?, "{}", vector["name"]);
    }
    Ok(())
}

/// Another implementation, in another language, by another library; and the one that the documentation gives to partners.
#[test]
fn every_vector_holds_in_python() -> Result<()> {
    let done = Command::new("python3").args([SCRIPT, VECTORS]).output();
    let done = done.context("python3 cannot be run: put it on PATH, it is needed for this check")?;
    ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    ensure!(String::from_utf8_lossy(&done.stdout).contains("8 vectors hold"), "it has checked something else");
    Ok(())
}
