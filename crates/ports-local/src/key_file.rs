//! The key that personal data is masked with, in a file that its owner alone can read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use sha2::{Digest, Sha256};
use weir_model::keys::hex;
use weir_ports::secrets::{SecretError, SecretKey, Secrets};

use crate::blocking;

/// Keeps the key in a file of mode 0600: one line, the key's id and the key in hexadecimal.
///
/// The file is created when the key is first asked for. It is never written again, and a file that
/// cannot be read is never replaced: a new key would mask the values of before in another way.
#[derive(Debug, Clone)]
pub struct KeyFile {
    path: PathBuf,
}

impl KeyFile {
    /// Keeps the key here. Nothing is read or written before the key is asked for.
    #[must_use]
    pub fn new(path: impl AsRef<Path>) -> Self {
        KeyFile { path: path.as_ref().to_owned() }
    }

    /// Where the key is kept.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn read_or_create(&self) -> Result<SecretKey, SecretError> {
        match File::open(&self.path) {
            Ok(file) => self.read(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.create()?;
                // Read back, because another process may have been first.
                self.read(File::open(&self.path).map_err(|error| self.unreadable(&error))?)
            }
            Err(error) => Err(self.unreadable(&error)),
        }
    }

    fn read(&self, file: File) -> Result<SecretKey, SecretError> {
        // Asked of the open file and not of its name, which could be another file's by then.
        let metadata = file.metadata().map_err(|error| self.unreadable(&error))?;
        self.check_private(&metadata)?;
        let mut text = String::new();
        let read = file.take(1024).read_to_string(&mut text);
        read.map_err(|error| self.unreadable(&error))?;
        parse(&text).ok_or_else(|| {
            self.unusable(
                "it does not hold a key, or the key was changed; restore it from a backup. \
                 Only if nothing was masked yet, delete it and a new key is made",
            )
        })
    }

    #[cfg(unix)]
    fn check_private(&self, metadata: &fs::Metadata) -> Result<(), SecretError> {
        use std::os::unix::fs::PermissionsExt;
        let mode = metadata.permissions().mode() & 0o7777;
        if mode & 0o077 == 0 {
            return Ok(());
        }
        let name = self.path.display().to_string().replace('\'', r"'\''");
        Err(self.unusable(&format!("others may read or change it (its mode is {mode:04o}); run: chmod 600 '{name}'")))
    }

    #[cfg(not(unix))]
    fn check_private(&self, _: &fs::Metadata) -> Result<(), SecretError> {
        Ok(())
    }

    /// Makes a key and gives it the file's name, unless a file has that name by then.
    fn create(&self) -> Result<(), SecretError> {
        let failed = |error: io::Error| {
            let reason =
                format!("it cannot be created ({error}); see that its folder is local and that you may write to it");
            self.unusable(&reason)
        };
        let folder = self.path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(failed)?;
        let mut random = [0u8; 40];
        getrandom::fill(&mut random)
            .map_err(|error| self.unusable(&format!("the system gives no random bytes: {error}")))?;
        let (bytes, suffix) = random.split_at(32);
        // The file gets its name once it is whole, so nobody reads half a key. A hard link takes the
        // name only if it is free, so of several one gives it and the others' keys vanish unused.
        let temporary = folder.join(format!(".weir-key-{}", hex(suffix)));
        let linked = write_private(&temporary, &line(bytes)).and_then(|()| fs::hard_link(&temporary, &self.path));
        let removed = fs::remove_file(&temporary);
        match linked {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            linked => linked.map_err(failed)?,
        }
        removed.map_err(failed)?;
        // The key is used from now on: its name must outlast a power cut.
        #[cfg(unix)]
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        Ok(())
    }

    fn unreadable(&self, error: &io::Error) -> SecretError {
        self.unusable(&format!("it cannot be read ({error}); see that it is a file of yours"))
    }

    fn unusable(&self, reason: &str) -> SecretError {
        SecretError::Unusable { reason: format!("key file {}: {reason}", self.path.display()) }
    }
}

#[async_trait]
impl Secrets for KeyFile {
    async fn pii_key(&self) -> Result<SecretKey, SecretError> {
        let file = self.clone();
        match blocking::run(move || file.read_or_create()).await {
            Ok(key) => key,
            Err(lost) => Err(SecretError::Unavailable { reason: lost.reason().to_owned() }),
        }
    }
}

/// Creates a file that only its owner can read, from its first moment on.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// What the file holds.
fn line(bytes: &[u8]) -> String {
    format!("{} {}\n", id_of(bytes), hex(bytes))
}

/// The key of a file, if its id is that of its bytes.
fn parse(text: &str) -> Option<SecretKey> {
    let (id, digits) = text.trim_end().split_once(' ')?;
    if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0u8; 32];
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * place..2 * place + 2)?, 16).ok()?;
    }
    (id == id_of(&bytes)).then(|| SecretKey { id: id.to_owned(), bytes })
}

/// A digest, so that a damaged key is told from the one that it was; of random bytes it tells nothing.
fn id_of(bytes: &[u8]) -> String {
    let digest = Sha256::new().chain_update("weir key id\0").chain_update(bytes).finalize();
    hex(&digest[..8])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    /// Handles, and the folder that goes when they go.
    struct Fresh(Vec<Arc<dyn Secrets>>, #[expect(dead_code)] tempfile::TempDir);

    impl std::ops::Deref for Fresh {
        type Target = [Arc<dyn Secrets>];

        fn deref(&self) -> &Self::Target {
            &self.0
        }
    }

    async fn fresh() -> Fresh {
        let folder = folder();
        let path = folder.path().join("secrets/pii.key");
        Fresh((0..3).map(|_| Arc::new(KeyFile::new(&path)) as Arc<dyn Secrets>).collect(), folder)
    }

    weir_ports::secrets_conformance!(fresh);

    #[cfg(unix)]
    #[tokio::test]
    async fn the_file_is_its_owners_alone_and_nothing_else_is_left() {
        use std::os::unix::fs::PermissionsExt;
        let folder = folder();
        let path = folder.path().join("pii.key");
        KeyFile::new(&path).pii_key().await.unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_file_that_others_may_read_is_refused_with_the_command_that_mends_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = folder();
        let path = folder.path().join("a key's file");
        let key = KeyFile::new(&path).pii_key().await.unwrap();
        for mode in [0o604, 0o640, 0o620, 0o601] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let message = KeyFile::new(&path).pii_key().await.unwrap_err().to_string();
            assert!(message.contains("chmod 600 '") && message.contains(&format!("{mode:04o}")), "{message}");
            assert!(message.contains(r"a key'\''s file'"), "the command can be pasted: {message}");
            assert!(!message.contains(&hex(&key.bytes)[..8]), "{message}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(KeyFile::new(&path).pii_key().await.unwrap(), key);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_damaged_key_is_refused_never_replaced_and_never_shown() {
        let folder = folder();
        let path = folder.path().join("pii.key");
        KeyFile::new(&path).pii_key().await.unwrap();
        let whole = fs::read_to_string(&path).unwrap();
        let digits = whole.trim_end().rsplit(' ').next().unwrap().to_owned();
        let changed = digits.replace(['1', '2', '3'], "0");
        let half = &whole[..whole.len() / 2];
        for damaged in [String::new(), half.to_owned(), whole.replace(&digits, &changed), "é".repeat(400)] {
            fs::write(&path, &damaged).unwrap();
            let message = KeyFile::new(&path).pii_key().await.unwrap_err().to_string();
            assert!(message.contains("restore it from a backup"), "{message}");
            assert!(!message.contains(&digits[..8]) && !message.contains(&changed[..8]), "{message}");
            assert_eq!(fs::read_to_string(&path).unwrap(), damaged, "it is left as it is");
        }
    }

    #[tokio::test]
    async fn two_lakes_have_two_keys() {
        let folder = folder();
        let one = KeyFile::new(folder.path().join("one")).pii_key().await.unwrap();
        let two = KeyFile::new(folder.path().join("two")).pii_key().await.unwrap();
        assert!(one.bytes != two.bytes && one.id != two.id);
    }
}
