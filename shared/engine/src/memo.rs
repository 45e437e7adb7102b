//! Answers by what was asked, so that each thing is asked once: a second question meanwhile waits for the one call.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use futures_util::lock::Mutex;

/// Answers that are kept.
#[derive(Debug)]
pub(crate) struct Memo<K, V>(RefCell<BTreeMap<K, Cell<V>>>);

/// Empty until the first question is answered.
type Cell<V> = Rc<Mutex<Option<V>>>;

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<K: Ord, V: Clone> Memo<K, V> {
    /// The answer, asked for where there is none yet.
    pub(crate) async fn get<F: Future<Output = V>>(&self, key: K, ask: impl FnOnce() -> F) -> V {
        let cell = self.0.borrow_mut().entry(key).or_default().clone();
        let mut kept = cell.lock().await;
        if let Some(answer) = &*kept {
            return answer.clone();
        }
        let answer = ask().await;
        *kept = Some(answer.clone());
        answer
    }

    /// Keeps an answer that came with another one.
    pub(crate) fn put(&self, key: K, answer: V) {
        self.0.borrow_mut().insert(key, Rc::new(Mutex::new(Some(answer))));
    }

    pub(crate) fn asked(&self) -> Vec<K>
    where
        K: Clone,
    {
        self.0.borrow().keys().cloned().collect()
    }

    pub(crate) fn discard(&self, mut is_discarded: impl FnMut(&V) -> bool) {
        self.0.borrow_mut().retain(|_, cell| {
            let kept = cell.try_lock();
            !kept.is_some_and(|kept| kept.as_ref().is_some_and(&mut is_discarded))
        });
    }

    pub(crate) fn len(&self) -> usize {
        self.0.borrow().len()
    }

    pub(crate) fn clear(&self) {
        self.0.borrow_mut().clear();
    }
}
