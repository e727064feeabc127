// Z-6: what the counters of a pmap gain is what its leaves changed, operation by operation.
#include "props/smt/pte_terms.h"

namespace vmref::smt {

namespace {

// `step_of(in, old)` is one operation on one word; the premise on that word stands with it.
template <class W>
struct Counted {
    Bool<W> premise;
    W old;
    pte::Step<W> step;
};

template <class W>
Claim<W> counts(Session<W>& in, const std::string& name, const Counted<W>& counted) {
    const pte::Step<W> s = out_step(in, name, counted.step);
    // A page table's page is wired once for each of its leaves: enter wires it first and gives that back in place.
    const W table = s.d_resident;
    return {counted.premise,
            {{"resident", s.d_resident == delta(counted.old, s.pte, kPteV)},
             {"wired", s.d_wired == delta(counted.old, s.pte, kPteW)},
             {"table_wiring", table == delta(counted.old, s.pte, kPteV)}}};
}

template <class Operation>
void add(std::vector<Property>& list, const std::string& name, const std::string& source, Operation operation) {
    list.push_back(property("Z-6." + name, "I-62, I-63, I-64", source,
                            [name, operation](auto& in) { return counts(in, name, operation(in)); }));
}

}  // namespace

void add_counter_properties(std::vector<Property>& list) {
    add(list, "enter", "pmap.c:2271-2280,2330-2345", [](auto& in) {
        using W = WordType<decltype(in)>;
        const pte::Request<W> q = any_request(in);
        const W old = in.word("old");
        const Bool<W> same = old == W(0U) || (any(old, kPteV) && (old & W(kPteFrame)) == (q.pa & W(kPteFrame)));
        return Counted<W>{same, old, pte::enter(old, q)};
    });
    add(list, "enter_quick", "pmap.c:2423-2549", [](auto& in) {
        using W = WordType<decltype(in)>;
        const W old = in.word("old");
        return Counted<W>{leaf_or_empty(old), old, pte::enter_quick(old, in.word("pa"), in.flag("managed"))};
    });
    add(list, "remove", "pmap.c:1849-1856", [](auto& in) {
        using W = WordType<decltype(in)>;
        const W old = in.word("old");
        return Counted<W>{any(old, kPteV), old, pte::remove(old, in.flag("tracked"), in.defects)};
    });
    add(list, "teardown", "pmap.c:2986-3013", [](auto& in) {
        using W = WordType<decltype(in)>;
        const W old = in.word("old");
        return Counted<W>{any(old, kPteV), old, pte::teardown(old, in.defects)};
    });
    add(list, "protect", "pmap.c:2090-2179", [](auto& in) {
        using W = WordType<decltype(in)>;
        const W old = in.word("old");
        return Counted<W>{leaf_or_empty(old), old, pte::protect(old, in.word("prot"))};
    });
    add(list, "page_protect", "pmap.c:3096-3200", [](auto& in) {
        using W = WordType<decltype(in)>;
        const W old = in.word("old");
        return Counted<W>{all(old, kPteV | kPteManaged), old, pte::page_protect(old, in.word("prot"))};
    });
    add(list, "clear_m", "pmap.c:3131-3170", [](auto& in) {
        using W = WordType<decltype(in)>;
        const W old = in.word("old");
        return Counted<W>{all(old, kPteV | kPteManaged), old, pte::clear<kPteM>(old)};
    });
    add(list, "clear_a", "pmap.c:3131-3170", [](auto& in) {
        using W = WordType<decltype(in)>;
        const W old = in.word("old");
        return Counted<W>{all(old, kPteV | kPteManaged), old, pte::clear<kPteA>(old)};
    });
    add(list, "rewire", "pmap.c:2727-2741", [](auto& in) {
        using W = WordType<decltype(in)>;
        const W old = in.word("old");
        return Counted<W>{any(old, kPteV), old, pte::rewire(old, in.flag("wired"))};
    });
}

}  // namespace vmref::smt
