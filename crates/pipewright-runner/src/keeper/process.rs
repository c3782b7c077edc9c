//! What the keeper's process does: hear its order, run the scripts, answer whoever asks, end.

use std::io;
use std::os::fd::AsFd as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use pipewright_core::Secret;
use pipewright_core::build::AttemptOutcome;
use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio_util::task::TaskTracker;

use super::folder::KeptFolder;
use super::line::Line;
use super::order::{Order, State, Word};
use super::spool::append;
use crate::executor::{
    Control, EitherExecutor, EngineExecutor, HostExecutor, StepEnd, StepRun, run_scripts, tell,
};
use crate::log::{LogWriter, Masker, QUEUE_CHUNKS};

/// How long the runner may take to say what to run.
const ORDER_WAIT: Duration = Duration::from_secs(30);

/// How often is looked whether anybody still wants the attempt.
const LOOK: Duration = Duration::from_secs(2);

/// The pause before the end is written again that a full disk did not take.
const FULL_PAUSE: Duration = Duration::from_secs(1);

/// How long the last word may take to whoever listens.
const LAST_WORD: Duration = Duration::from_secs(5);

/// The life of a keeper. Standard input is the socket that a runner bound in the attempt's folder.
pub fn keep() -> ExitCode {
    // A session of its own: what ends the runner's terminal or process group does not end the step. It fails only where the
    // process leads a group already, which is as good.
    let _ = rustix::process::setsid();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let inherited = io::stdin().as_fd().try_clone_to_owned();
    let ended = runtime.and_then(|runtime| runtime.block_on(run(inherited?.into())));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        // Nobody hears it; the runner finds that there is no end.
        Err(_) => ExitCode::FAILURE,
    }
}

/// The same, with the socket that it has.
pub(super) async fn run(listener: std::os::unix::net::UnixListener) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = UnixListener::from_std(listener)?;
    let first = async {
        let mut caller = Line::new(listener.accept().await?.0);
        // A runner that died before it could say has started nothing.
        let order: Option<Order> = caller.hear().await;
        let order = order.ok_or_else(|| io::Error::other("there was no order"))?;
        Ok::<_, io::Error>((order, caller))
    };
    let (order, caller) = tokio::time::timeout(ORDER_WAIT, first).await??;
    let folder = KeptFolder::at(order.folder.clone());
    let desk = Arc::new(Desk {
        state: watch::Sender::new(State {
            log: folder.log_length(),
            ..State::default()
        }),
        control: watch::Sender::new(Control::Run),
        callers: watch::Sender::new(0),
    });
    let mut terminate = signal(SignalKind::terminate())?;
    let calls = TaskTracker::new();
    calls.spawn(Arc::clone(&desk).serve(caller));
    let end = {
        let work = execute(&order, &folder, &desk);
        tokio::pin!(work);
        loop {
            tokio::select! {
                end = &mut work => break end,
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => { calls.spawn(Arc::clone(&desk).serve(Line::new(stream))); }
                    // Descriptors ran out, perhaps: whoever called tries again.
                    Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                },
                () = desk.left_alone(order.alone) => tell(&desk.control, Control::Kill),
                () = removed(&folder), if *desk.control.borrow() < Control::Kill => tell(&desk.control, Control::Kill),
                _ = terminate.recv() => tell(&desk.control, Control::Kill),
            }
        }
    };
    // Where the disk is full the end waits for room: without it the step would have to run again.
    while folder.is_there() && folder.write_end(&end).is_err() {
        tokio::select! {
            () = tokio::time::sleep(FULL_PAUSE) => {}
            () = desk.left_alone(order.alone) => break,
            _ = terminate.recv() => break,
        }
    }
    drop(listener);
    desk.state.send_modify(|state| state.ended = true);
    calls.close();
    // What is not heard now is read from the folder.
    let _ = tokio::time::timeout(LAST_WORD, calls.wait()).await;
    Ok(())
}

/// Returns when the attempt's folder was removed: whoever did that wants nothing more of it. Once.
async fn removed(folder: &KeptFolder) {
    while folder.is_there() {
        tokio::time::sleep(LOOK).await;
    }
}

async fn execute(order: &Order, folder: &KeptFolder, desk: &Desk) -> StepEnd {
    let executor = EitherExecutor::new(
        HostExecutor::new(order.host.clone()),
        order.engine.clone().map(EngineExecutor::new),
    );
    let masked: Vec<Secret> = order.masked.iter().cloned().map(Secret::new).collect();
    let masker = Masker::new(&masked, &order.environment);
    let (chunks, coming) = mpsc::channel(QUEUE_CHUNKS);
    let mut log = LogWriter::continuing(chunks, &masker, order.log_limit, folder.log_length());
    let mut control = desk.control.subscribe();
    let step = StepRun {
        mark: &order.mark,
        plan: &order.plan,
        begun: order.begun.as_ref(),
        directories: &order.directories,
        environment: &order.environment,
        max_time: order.max_time,
        limits: order.limits,
    };
    let scripts = async {
        let end = run_scripts(&executor, step, &mut log, &mut control, |spawn| {
            desk.state.send_modify(|state| state.started = Some(spawn));
        })
        .await;
        log.finish().await;
        drop(log);
        end
    };
    let path = folder.log();
    let spool = append(&path, coming, |length| {
        desk.state.send_modify(|state| state.log = length);
    });
    let (end, spooled) = tokio::join!(scripts, spool);
    match spooled {
        Ok(()) => end,
        Err(error) => StepEnd::without_script(
            AttemptOutcome::Lost,
            Some(format!("The log of this step cannot be written: {error}.")),
        ),
    }
}

/// What callers see and say.
struct Desk {
    state: watch::Sender<State>,
    control: watch::Sender<Control>,
    callers: watch::Sender<usize>,
}

impl Desk {
    /// Returns when nobody was here for so long; once.
    async fn left_alone(&self, patience: Duration) {
        let mut callers = self.callers.subscribe();
        loop {
            if callers.wait_for(|callers| *callers == 0).await.is_err()
                || *self.control.borrow() == Control::Kill
            {
                std::future::pending::<()>().await;
            }
            let came = callers.wait_for(|callers| *callers > 0);
            if tokio::time::timeout(patience, came).await.is_err() {
                return;
            }
        }
    }

    /// Tells one caller how it stands, hears it, until it goes or there is nothing more to tell.
    async fn serve(self: Arc<Self>, mut caller: Line) {
        self.callers.send_modify(|callers| *callers += 1);
        let mut states = self.state.subscribe();
        states.mark_changed();
        loop {
            tokio::select! {
                changed = states.changed() => {
                    if changed.is_err() { break }
                    let state = states.borrow_and_update().clone();
                    if caller.say(&state).await.is_err() || state.ended { break }
                }
                word = caller.hear() => match word {
                    Some(Word::Follow) => {}
                    Some(Word::Stop) => tell(&self.control, Control::Stop),
                    Some(Word::Kill) => tell(&self.control, Control::Kill),
                    None => break,
                },
            }
        }
        self.callers.send_modify(|callers| *callers -= 1);
    }
}
