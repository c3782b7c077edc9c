//! The `pipewright` program: server, runner, tools and demonstration in one binary.

fn main() -> std::process::ExitCode {
    pipewright::run()
}
