use std::future::{poll_fn, Future};
use std::pin::Pin;
use std::task::{Context, Poll};

/// A future, and what came of it.
enum Branch<F: Future> {
    Running(Pin<Box<F>>),
    Done(Option<F::Output>),
}

impl<F: Future> Branch<F> {
    /// Whether it is done.
    fn advance(&mut self, context: &mut Context<'_>) -> bool {
        if let Branch::Running(future) = self {
            match future.as_mut().poll(context) {
                Poll::Ready(output) => *self = Branch::Done(Some(output)),
                Poll::Pending => return false,
            }
        }
        true
    }

    fn take(&mut self) -> F::Output {
        match self {
            Branch::Done(output) => output.take().expect("a branch's output once"),
            Branch::Running(_) => unreachable!("taken before its end"),
        }
    }
}

/// Runs two futures at once and gives what both came to.
pub async fn join<A: Future, B: Future>(a: A, b: B) -> (A::Output, B::Output) {
    let mut a = Branch::Running(Box::pin(a));
    let mut b = Branch::Running(Box::pin(b));
    poll_fn(|context| {
        let is_done = a.advance(context) & b.advance(context);
        if is_done {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    (a.take(), b.take())
}

/// Runs any number of futures at once and gives what each came to, in their order.
pub async fn join_all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut branches: Vec<Branch<F>> = futures
        .into_iter()
        .map(|future| Branch::Running(Box::pin(future)))
        .collect();
    poll_fn(|context| {
        let mut is_done = true;
        for branch in &mut branches {
            is_done &= branch.advance(context);
        }
        if is_done {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    branches.iter_mut().map(Branch::take).collect()
}
