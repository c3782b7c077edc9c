//! `cargo xtask fuzz`: bytes that nobody would write, for a while, against the promises of the pipeline language.
//!
//! The targets are the crate in `fuzz/`. They work on the stable compiler: its own coverage pass is switched on by flags,
//! as cargo-fuzz does where no sanitizer is wanted, and the fuzzer itself is C++. Seeds are the files of our own tests
//! and, where `PIPEWRIGHT_SHARED` names them, the real ones; what is found on the way stays below `target/fuzz`.
#![expect(clippy::print_stdout, reason = "what it does is its output")]

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, ValueEnum};

/// What is given the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Target {
    /// A pipeline file.
    File,
    /// An expression of `condition.state` and `triggers`.
    Expression,
    /// A pattern over names, and a name.
    Pattern,
}

/// Arguments of `cargo xtask fuzz`.
#[derive(Debug, Args)]
pub(crate) struct Fuzz {
    /// For how long, all targets together.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(3..))]
    seconds: u32,
    /// Only this one.
    #[arg(long, value_enum)]
    target: Option<Target>,
    /// Give this one input to the target and nothing else: how a crash is looked at again.
    #[arg(long, value_name = "FILE", requires = "target")]
    input: Option<PathBuf>,
}

/// The coverage pass: counters at each edge, and the comparisons, so that the fuzzer learns words.
const FLAGS: &[&str] = &[
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
];

/// Seconds after which one input has hung.
const TIMEOUT: &str = "-timeout=20";

/// Bytes of an input at most. What only a large file does is for `tests/hostile.rs` and the figures.
const LARGEST: &str = "-max_len=20000";

impl Fuzz {
    /// Builds and runs; fails where an input breaks a promise.
    pub(crate) fn run(&self, root: &Path) -> Result<ExitCode> {
        if !has_compiler() {
            ensure!(
                std::env::var("CI").as_deref() != Ok("true"),
                "there is no C++ compiler (c++) to build the fuzzer with; install g++"
            );
            println!(
                "fuzz: skipped, there is no C++ compiler (c++) to build the fuzzer with; install g++"
            );
            return Ok(ExitCode::SUCCESS);
        }
        let programs = build(root)?;
        if let (Some(target), Some(input)) = (self.target, &self.input) {
            let status = Command::new(programs.join(word(target)))
                .arg(TIMEOUT)
                .arg(input)
                .current_dir(root)
                .status()?;
            return Ok(if status.success() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            });
        }
        // Files have the most to go wrong in.
        let few = (self.seconds / 6).max(1);
        let all = [
            (Target::File, self.seconds.saturating_sub(2 * few).max(1)),
            (Target::Expression, few),
            (Target::Pattern, few),
        ];
        let targets = self
            .target
            .map_or_else(|| all.to_vec(), |target| vec![(target, self.seconds)]);
        for (target, seconds) in targets {
            search(root, &programs, target, seconds)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn word(target: Target) -> &'static str {
    match target {
        Target::File => "file",
        Target::Expression => "expression",
        Target::Pattern => "pattern",
    }
}

fn has_compiler() -> bool {
    let compiler = std::env::var_os("CXX").unwrap_or_else(|| "c++".into());
    Command::new(compiler)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Builds all targets and gives their directory.
fn build(root: &Path) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc)
        .arg("-vV")
        .output()
        .context("rustc cannot be started")?;
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("rustc -vV names no host")?;
    let directory = root.join("target/fuzz");
    // A target that is named keeps build scripts and macros free of the flags.
    let status = Command::new(cargo)
        .args([
            "build",
            "--quiet",
            "--release",
            "--locked",
            "--target",
            host,
            "--manifest-path",
        ])
        .arg(root.join("fuzz/Cargo.toml"))
        .arg("--target-dir")
        .arg(&directory)
        .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}"))
        .current_dir(root)
        .status()
        .context("cargo cannot be started")?;
    ensure!(status.success(), "the fuzz targets do not build");
    Ok(directory.join(host).join("release"))
}

/// Looks for an input that breaks a promise, for as long as it is told.
fn search(root: &Path, programs: &Path, target: Target, seconds: u32) -> Result<()> {
    let name = word(target);
    let (found, crashes) = (
        root.join("target/fuzz/found").join(name),
        root.join("target/fuzz/crashes"),
    );
    for directory in [&found, &crashes] {
        std::fs::create_dir_all(directory)
            .with_context(|| format!("cannot make {}", directory.display()))?;
    }
    let mut seeds = vec![found, root.join("fuzz/corpus").join(name)];
    if target == Target::File {
        seeds.push(root.join("crates/pipewright-spec/tests/golden"));
        let shared = std::env::var_os("PIPEWRIGHT_SHARED")
            .map(|shared| Path::new(&shared).join("fixtures/pipelines-corpus"));
        seeds.extend(shared.filter(|directory| directory.is_dir()));
    }
    let log = root.join(format!("target/fuzz/{name}.log"));
    let output =
        std::fs::File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    let prefix = format!("{}/{name}-", crashes.display());
    let status = Command::new(programs.join(name))
        .arg(format!("-max_total_time={seconds}"))
        .args([
            TIMEOUT,
            LARGEST,
            "-rss_limit_mb=1024",
            "-print_final_stats=1",
        ])
        .arg(format!("-artifact_prefix={prefix}"))
        .arg(format!("-dict={}", root.join("fuzz/words.dict").display()))
        .args(&seeds)
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(output)
        .status()
        .with_context(|| format!("the fuzz target {name} cannot be started"))?;
    let text = String::from_utf8_lossy(&std::fs::read(&log)?).into_owned();
    let stat = |key: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(key))
            .map_or("?", str::trim)
            .to_owned()
    };
    if status.success() {
        let runs = stat("stat::number_of_executed_units:");
        let coverage = text
            .lines()
            .rev()
            .find_map(|line| line.split_once(" cov: ")?.1.split(' ').next())
            .unwrap_or("?");
        println!("fuzz: {name} held for {seconds} s and {runs} inputs ({coverage} edges seen)");
        return Ok(());
    }
    tell(root, name, &text)
}

/// Says what broke, with the input and how to see it again.
fn tell(root: &Path, name: &str, log: &str) -> Result<()> {
    let said = log
        .lines()
        .skip_while(|line| !line.contains("panicked at") && !line.starts_with("=="))
        .take(25);
    println!("{}", said.collect::<Vec<_>>().join("\n"));
    let Some(file) = log
        .lines()
        .find_map(|line| Some(line.split_once("Test unit written to ")?.1.to_owned()))
    else {
        bail!("the fuzz target {name} ended without naming an input; see target/fuzz/{name}.log");
    };
    let bytes = std::fs::read(&file).with_context(|| format!("cannot read {file}"))?;
    println!(
        "\nthe input, {} bytes:\n{}\n",
        bytes.len(),
        bytes.escape_ascii()
    );
    let short = Path::new(&file)
        .strip_prefix(root)
        .unwrap_or(Path::new(&file))
        .display()
        .to_string();
    bail!(
        "{name} broke a promise; see it again with\n  cargo xtask fuzz --target {name} --input {short}\nand make a test of it in tests/hostile.rs"
    );
}
