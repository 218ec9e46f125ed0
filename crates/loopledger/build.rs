//! Which commit the program was built from, for `--version` and `loopledger_build_info`.
//!
//! `LOOPLEDGER_COMMIT` says so where there is no repository, as in an image's build; git is asked otherwise, and need not
//! be there. Only this crate is built anew when the commit changes.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=LOOPLEDGER_COMMIT");
    // Written whenever the commit that is checked out changes.
    if let Some(path) = git(&["rev-parse", "--git-path", "logs/HEAD"])
        && std::path::Path::new(&path).exists()
    {
        println!("cargo::rerun-if-changed={path}");
    }
    let stated = std::env::var("LOOPLEDGER_COMMIT").ok().filter(|commit| !commit.is_empty());
    let commit = stated.or_else(|| git(&["rev-parse", "--short=12", "HEAD"])).unwrap_or_else(|| "unknown".to_owned());
    println!("cargo::rustc-env=LOOPLEDGER_COMMIT={commit}");
}

/// What git answers in this folder, if it is there and answers.
fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}
