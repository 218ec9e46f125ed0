//! On a terminal, the reader's pager in the place of standard output.

use std::env;
use std::io::{self, IsTerminal as _};
use std::process::{Child, Command, Stdio};

use loopledger_client::output::redirect;

/// A running pager; the command ends when its reader has done so.
#[derive(Debug)]
pub(crate) struct Pager(Option<Child>);

impl Pager {
    /// Starts `PAGER` (`less` if it is not set) if people sit at a terminal. A pager that cannot be started is done without.
    pub(crate) fn start(is_wanted: bool) -> Self {
        if !is_wanted || !io::stdout().is_terminal() || !io::stdin().is_terminal() {
            return Self(None);
        }
        let mut command = match env::var("PAGER") {
            Err(_) => Command::new("less"),
            Ok(pager) if ["", "cat"].contains(&pager.trim()) => return Self(None),
            Ok(pager) => {
                let mut command = Command::new("sh");
                command.args(["-c", &pager]);
                command
            }
        };
        // Ends by itself if all fits the screen, and leaves the text there.
        for (name, value) in [("LESS", "FRX"), ("LESSCHARSET", "utf-8")] {
            if env::var_os(name).is_none() {
                command.env(name, value);
            }
        }
        let Ok(mut child) = command.stdin(Stdio::piped()).spawn() else { return Self(None) };
        if let Some(stdin) = child.stdin.take() {
            redirect(Some(Box::new(stdin)));
        }
        Self(Some(child))
    }

    /// Ends the text, and waits for its reader; whether there was one.
    pub(crate) fn finish(self) -> bool {
        redirect(None);
        let Some(mut child) = self.0 else { return false };
        drop(child.wait());
        true
    }
}
