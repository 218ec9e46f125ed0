//! An error as it is printed: once, where it leaves the program.

use core::error::Error;
use core::fmt;

/// An error with everything that caused it, in one line.
///
/// An error's own `Display` says only what it is about. Its causes are its [`source`](Error::source)s, and are written
/// here, so that none is lost and none is said twice.
#[derive(Debug, Clone, Copy)]
pub struct WithCauses<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for WithCauses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}
