//! Long work of one test on all of the machine's processors.

/// Does the same with each item and gives what came of it, in no order. What one of them panics with, all do.
pub(crate) fn share<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let work = &work;
    std::thread::scope(|scope| {
        let begun: Vec<_> = (0..workers)
            .map(|worker| {
                let own = items.iter().skip(worker).step_by(workers);
                scope.spawn(move || own.map(work).collect::<Vec<R>>())
            })
            .collect();
        let results = begun.into_iter().map(std::thread::ScopedJoinHandle::join);
        results
            .flat_map(|result| result.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}
