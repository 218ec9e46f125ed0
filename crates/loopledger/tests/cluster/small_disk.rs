//! A disk that is small enough to be filled: a file system of its own in a folder. Mounting one takes root.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Room for what a test writes, for the reserve that a state store wants to see, and not for much more.
const SIZE: &str = "size=64m";

/// Unmounted when it goes out of scope.
pub(crate) struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Or why that may not be done here.
    pub(crate) fn mount(folder: &Path) -> Result<Self, String> {
        std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", SIZE, "tmpfs"]).arg(folder).output();
        let output = mounted.map_err(|error| error.to_string())?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        if output.status.success() { Ok(Self(folder.to_owned())) } else { Err(complaint.trim().to_owned()) }
    }

    /// Not a byte is left.
    pub(crate) fn fill(&self) {
        let ballast = File::create(self.ballast()).expect("room for a name");
        let full = std::io::copy(&mut std::io::repeat(0), &mut &ballast).expect_err("a small disk");
        assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    }

    /// So many bytes are left.
    #[allow(dead_code, reason = "one of the suites that share this fills it up to the last byte")]
    pub(crate) fn fill_up_to(&self, left: u64) {
        self.fill();
        let ballast = File::options().write(true).open(self.ballast()).expect("the ballast");
        let length = ballast.metadata().expect("the ballast").len();
        ballast.set_len(length.checked_sub(left).expect("a disk larger than that")).expect("a shorter ballast");
    }

    pub(crate) fn clear(&self) {
        std::fs::remove_file(self.ballast()).expect("the ballast");
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, since a program may still use it when a test fails.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
