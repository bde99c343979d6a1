//! `embed_migrations!` reads the folders while compiling; without this a new migration would not be noticed.

fn main() {
    println!("cargo::rerun-if-changed=../../migrations");
}
