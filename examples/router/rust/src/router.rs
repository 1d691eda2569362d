use std::cell::{Cell, RefCell};

use crate::exports::example::router::routing::{Action, Found, GuestRouter, Request, RouteError};
use crate::pattern::Pattern;

/// The resource: routes in the order they were added. The host hands out `&self`, hence the cells.
pub struct Router {
    name: String,
    routes: RefCell<Vec<Route>>,
    hits: Cell<u64>,
}

struct Route {
    verb: String,
    pattern: Pattern,
    action: Action,
}

impl GuestRouter for Router {
    fn new(name: String) -> Self {
        Self {
            name,
            routes: RefCell::default(),
            hits: Cell::default(),
        }
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn add(&self, verb: String, pattern: String, action: Action) -> Result<u32, RouteError> {
        let pattern = Pattern::parse(pattern).map_err(|why| RouteError::BadPattern(why.into()))?;
        let mut routes = self.routes.borrow_mut();
        routes.push(Route {
            verb,
            pattern,
            action,
        });
        Ok(routes.len() as u32)
    }

    fn route(&self, request: Request) -> Result<Found, RouteError> {
        let mut verbs: Vec<String> = Vec::new();
        for Route {
            verb,
            pattern,
            action,
        } in self.routes.borrow().iter()
        {
            let Some(params) = pattern.match_path(&request.path) else {
                continue;
            };
            if *verb == request.verb {
                self.hits.set(self.hits.get() + 1);
                return Ok(Found {
                    pattern: pattern.text.clone(),
                    params,
                    action: action.clone(),
                });
            }
            if !verbs.contains(verb) {
                verbs.push(verb.clone());
            }
        }
        Err(if verbs.is_empty() {
            RouteError::NotFound
        } else {
            RouteError::VerbNotAllowed(verbs)
        })
    }

    fn patterns(&self) -> Vec<String> {
        self.routes
            .borrow()
            .iter()
            .map(|route| route.pattern.text.clone())
            .collect()
    }

    fn hits(&self) -> u64 {
        self.hits.get()
    }
}
