//! Builds the crate anew when a migration is added: they are embedded, and a new
//! folder is no file that the compiler watches.

fn main() {
    println!("cargo::rerun-if-changed=../../migrations/sqlite");
}
