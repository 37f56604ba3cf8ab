//! Certificates for the tests, made by the program `openssl`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

/// A certificate authority, and the directory of the certificates that it has signed.
pub(crate) struct Authority(TempDir);

impl Authority {
    pub(crate) fn new() -> Self {
        let authority = Self(TempDir::new().unwrap());
        let settings = "[req]\ndistinguished_name = name\n[name]\n";
        fs::write(authority.path("settings"), settings).unwrap();
        authority.make("root", &["-addext", "basicConstraints=critical,CA:TRUE"]);
        authority
    }

    /// Signs a certificate for a host such as `IP:127.0.0.1`, and writes it and its key to
    /// `NAME.pem` and `NAME.key`.
    pub(crate) fn sign(&self, name: &str, host: &str) {
        let [root, key] = ["root.pem", "root.key"].map(|file| self.file(file));
        let host = format!("subjectAltName={host}");
        let no_authority = "basicConstraints=critical,CA:FALSE";
        self.make(name, &["-CA", &root, "-CAkey", &key, "-addext", no_authority, "-addext", &host]);
    }

    fn make(&self, name: &str, more: &[&str]) {
        let files = ["key", "pem"].map(|kind| self.file(&format!("{name}.{kind}")));
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
            .args(["-nodes", "-days", "2", "-subj", &format!("/CN={name}"), "-config"])
            .arg(self.path("settings"))
            .args(["-keyout", &files[0], "-out", &files[1]])
            .args(more)
            .output()
            .expect(
                "expected the program openssl in the path: on Debian, `apt-get install openssl`",
            );
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    /// The path of a file, such as `root.pem`.
    pub(crate) fn file(&self, file: &str) -> String {
        self.path(file).to_str().unwrap().to_owned()
    }

    pub(crate) fn read(&self, file: &str) -> Vec<u8> {
        fs::read(self.path(file)).unwrap()
    }

    /// The settings with which a server also listens on an encrypted port, with a signed
    /// certificate.
    pub(crate) fn settings(&self, name: &str, port: u16) -> Vec<String> {
        let settings = [
            ("tls-port", port.to_string()),
            ("tls-cert-file", self.file(&format!("{name}.pem"))),
            ("tls-key-file", self.file(&format!("{name}.key"))),
            ("tls-ca-cert-file", self.file("root.pem")),
            ("tls-auth-clients", "optional".into()),
        ];
        settings.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect()
    }
}
