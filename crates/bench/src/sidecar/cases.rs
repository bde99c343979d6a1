//! What each kind of request costs: how many in a second, how long the slowest take, CPU time, and instructions.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use gatelodge_bench::machine::row;

use crate::authority::Authority;
use crate::cores::cpu_time;
use crate::count::Counter;
use crate::load::{Requests, Tally, Tool, Until, closed_loop, request};
use crate::proxy::{Program, Proxy, World};

/// How many requests are under way at any time.
const CONNECTIONS: usize = 32;
/// Each measurement of time is made so often, all of them in turn: a machine that changes its pace changes it for all.
const ROUNDS: u32 = 3;
const TOKENS: u64 = 10_000;

const SMALL: &str = "300 bytes";
const LARGE: &str = "64 KiB";
const FIRST_SIGHT: &str = "300 bytes, a token never seen before";
const SECOND_SIGHT: &str = "300 bytes, 10,000 tokens in turn";

/// One line of the table.
struct Case {
    /// `None`: straight to the upstream.
    program: Option<Program>,
    requests: Requests,
    order: Order,
}

/// In which order the requests are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// In turn, again and again.
    Again,
    /// Each once only, and all in the first round.
    Once,
    /// In turn, after each was sent once.
    OnceMore,
}

impl Case {
    /// The same as far as instructions are concerned, in fewer requests: of as many as are counted first all are sent once.
    fn counted(&self, number: usize) -> Requests {
        let texts = &self.requests.texts;
        match self.order {
            Order::OnceMore => {
                Requests { texts: texts[..number.min(texts.len())].to_vec().into(), ..self.requests.clone() }
            }
            Order::Again | Order::Once => self.requests.clone(),
        }
    }
}

/// What was measured of it.
#[derive(Default)]
struct Cost {
    tally: Tally,
    cpu: Duration,
    instructions: Option<f64>,
}

impl Cost {
    /// Microseconds of the program that stands between, for each request.
    fn cpu(&self) -> Option<f64> {
        (!self.cpu.is_zero()).then(|| self.cpu.as_secs_f64() * 1e6 / self.tally.latencies.len() as f64)
    }
}

fn cases(authority: &Authority, programs: &[Program]) -> Vec<Case> {
    let token = authority.token(0);
    let always = |what, program, text, status| {
        let requests = Requests { what, texts: vec![text].into(), status };
        Case { program, requests, order: Order::Again }
    };
    let mut cases = Vec::new();
    for program in [None].into_iter().chain(programs.iter().copied().map(Some)) {
        for (what, tool) in [(SMALL, Tool::Small), (LARGE, Tool::Large)] {
            cases.push(always(what, program, request(tool, Some(&token)), 200));
        }
    }
    let sidecar = Some(Program::Sidecar);
    if programs.contains(&Program::Sidecar) {
        let texts: Vec<_> = (0..TOKENS).map(|number| request(Tool::Small, Some(&authority.token(number)))).collect();
        let texts = Rc::new(texts);
        for (what, order) in [(FIRST_SIGHT, Order::Once), (SECOND_SIGHT, Order::OnceMore)] {
            let requests = Requests { what, texts: Rc::clone(&texts), status: 200 };
            cases.push(Case { program: sidecar, requests, order });
        }
        cases.push(always("401 without a token", sidecar, request(Tool::Small, None), 401));
    }
    cases
}

/// Measures them and prints the table.
pub async fn measure(programs: &[Program], world: &World<'_>, seconds: u32, counted: usize) {
    let cases = cases(world.authority, programs);
    let mut costs = times(&cases, programs, world, Duration::from_secs(seconds.into()) / ROUNDS).await;
    match Counter::find() {
        Ok(counter) if counted > 0 => {
            println!("instructions are counted with {}, over {counted} requests\n", counter.name());
            for (case, cost) in cases.iter().zip(&mut costs) {
                if let Some(program) = case.program {
                    cost.instructions =
                        Some(counter.per_request(program, world, &case.counted(counted), counted).await);
                }
            }
        }
        Ok(_) => {}
        Err(missing) => println!("instructions are not counted: {missing}\n"),
    }
    print(&cases, &costs);
}

/// All cases in turn, again and again, on programs that run all the while: an idle one costs nothing.
async fn times(cases: &[Case], programs: &[Program], world: &World<'_>, time: Duration) -> Vec<Cost> {
    let mut proxies = Vec::new();
    for program in programs {
        proxies.push((*program, Proxy::start(*program, world, &[]).await.0));
    }
    let mut costs: Vec<Cost> = cases.iter().map(|_| Cost::default()).collect();
    for round in 0..ROUNDS {
        for (case, cost) in cases.iter().zip(&mut costs) {
            let running = proxies.iter().find(|(program, _)| Some(*program) == case.program);
            let proxy = running.map(|(_, proxy)| proxy);
            let address = proxy.map_or(world.upstream, |proxy| proxy.address);
            let until = match case.order {
                Order::Once if round > 0 => continue,
                Order::Once => Until::Exhausted,
                Order::Again | Order::OnceMore => Until::Elapsed(time),
            };
            one_round(cost, proxy, address, &case.requests, until).await;
        }
    }
    for (_, proxy) in proxies {
        proxy.stop().await;
    }
    costs
}

async fn one_round(cost: &mut Cost, proxy: Option<&Proxy>, address: SocketAddr, requests: &Requests, until: Until) {
    let used = || proxy.map(|proxy| cpu_time(proxy.id())).unwrap_or_default();
    let before = used();
    let tally = closed_loop(address, requests, CONNECTIONS, until).await;
    cost.cpu += used() - before;
    cost.tally.latencies.extend(tally.latencies);
    cost.tally.time += tally.time;
    cost.tally.closed += tally.closed;
}

/// Ratios are to nginx that forwards an answer of the same size; to the small one where nothing is forwarded.
fn print(cases: &[Case], costs: &[Cost]) {
    row(&["answer", "through", "requests/s", "99 % within", "CPU time", "to nginx", "instructions", "to nginx"]);
    row(&["---"; 8]);
    for (case, cost) in cases.iter().zip(costs) {
        let peer = if case.requests.what == LARGE { LARGE } else { SMALL };
        let nginx = cases.iter().position(|case| case.program == Some(Program::Nginx) && case.requests.what == peer);
        let nginx = nginx.map(|at| &costs[at]);
        let (rate, within) = cost.tally.summary();
        let is_kept = cost.tally.closed < cost.tally.latencies.len() / 2;
        row(&[
            &format!("{}{}", case.requests.what, if is_kept { "" } else { ", a new connection each time" }),
            case.program.map_or("nothing", Program::name),
            &format!("{rate:.0}"),
            &format!("{:.2} ms", within.as_secs_f64() * 1e3),
            &cost.cpu().map(|cpu| format!("{cpu:.1} µs")).unwrap_or_default(),
            &ratio(cost.cpu(), nginx.and_then(Cost::cpu)),
            &cost.instructions.map(|count| format!("{count:.0}")).unwrap_or_default(),
            &ratio(cost.instructions, nginx.and_then(|nginx| nginx.instructions)),
        ]);
    }
}

fn ratio(own: Option<f64>, nginx: Option<f64>) -> String {
    own.zip(nginx).map(|(own, nginx)| format!("{:.2}", own / nginx)).unwrap_or_default()
}
