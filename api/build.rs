//! Takes the files of the page at `/docs` out of their archive, for `src/docs` to embed. The code names no folder of the
//! machine that builds, so the program is the same wherever it is built.

use std::fs::File;
use std::io::Cursor;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;
use zip::ZipArchive;

const FILES: [&str; 4] = ["favicon-32x32.png", "index.css", "swagger-ui-bundle.js", "swagger-ui.css"];

fn main() -> Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    let out = PathBuf::from(std::env::var("OUT_DIR").context("OUT_DIR is not set")?);
    let mut archive = ZipArchive::new(Cursor::new(SWAGGER_UI_VENDORED))?;
    let mut missing = Vec::from(FILES);
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        let path = entry.name()?.into_owned();
        // Its first folder has the version in its name.
        let Some(name) = path.split_once('/').and_then(|(_, path)| path.strip_prefix("dist/")) else { continue };
        if missing.contains(&name) {
            std::io::copy(&mut entry, &mut File::create(out.join(name))?)?;
            missing.retain(|file| *file != name);
        }
    }
    ensure!(missing.is_empty(), "not in the archive of Swagger UI: {missing:?}");
    Ok(())
}
