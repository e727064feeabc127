// A property is one text with three uses: proved for all inputs, run on random words, and run on the counterexample
// that Z3 found, through the very functions that the implementation executes.
//
// The text is a generic function of a Session<W>. It asks the session for its inputs by name, runs the functions under
// proof on them, hands what they return through `out`, and states a claim. A mutation changes one output of one
// function on its way through `out`: a claim that no mutation refutes says nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "impl/defects/defects.h"
#include "impl/machine/word.h"
#include "props/smt/symbolic.h"

namespace vmref::smt {

using impl::word::Bool;

// What becomes of the output `seam`: a truth value becomes `always`; of a word some bits are set or cleared, or it
// grows by one.
struct Mutation {
    std::string seam;
    bool truth = false;
    bool always = false;
    std::uint32_t set = 0;
    std::uint32_t clear = 0;
    std::uint32_t add = 0;
};
std::string mutation_text(const Mutation& mutation);

template <class W>
class Session {
  public:
    // Both outlive the session.
    explicit Session(const impl::DefectSet& defects_in, const Mutation* mutation = nullptr)
        : defects(defects_in), mutation_(mutation) {}
    virtual ~Session() = default;
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // The input of that name: any word, any truth value.
    virtual W word(const std::string& name) = 0;
    virtual Bool<W> flag(const std::string& name) = 0;

    // An output of a function under proof. `bits`: which bits of a word a mutation may touch; 0 for a number.
    W out(const std::string& seam, const W& value, std::uint32_t bits) {
        W result = value;
        if (mutation_ != nullptr && !mutation_->truth && mutation_->seam == seam) {
            result = ((value & W(~mutation_->clear)) | W(mutation_->set)) + W(mutation_->add);
        }
        note(seam, result, bits);
        return result;
    }
    Bool<W> out(const std::string& seam, const Bool<W>& value) {
        const bool mutated = mutation_ != nullptr && mutation_->truth && mutation_->seam == seam;
        Bool<W> result = mutated ? Bool<W>(bool{mutation_->always}) : value;
        note(seam, result);
        return result;
    }

    const impl::DefectSet& defects;

  protected:
    virtual void note(const std::string& /*seam*/, const W& /*value*/, std::uint32_t /*bits*/) {}
    virtual void note(const std::string& /*seam*/, const Bool<W>& /*value*/) {}

  private:
    const Mutation* mutation_;
};

template <class W>
struct Goal {
    std::string name;
    Bool<W> holds;
};

template <class W>
struct Claim {
    Bool<W> premise;
    std::vector<Goal<W>> goals;
};

struct Property {
    std::string name;        // "Z-5.enter"
    std::string invariants;  // "I-69, I-79"
    std::string source;      // "pmap.c:2192-2411"
    std::function<Claim<SymW>(Session<SymW>&)> symbolic;
    std::function<Claim<std::uint32_t>(Session<std::uint32_t>&)> concrete;
    bool large = false;  // many words at once: solved by bit-blasting
};

template <class Text>
Property property(const std::string& name, const std::string& invariants, const std::string& source, Text text) {
    return {.name = name,
            .invariants = invariants,
            .source = source,
            .symbolic = [text](Session<SymW>& session) { return text(session); },
            .concrete = [text](Session<std::uint32_t>& session) { return text(session); }};
}

// The word type of a session, in a generic text.
template <class S>
struct word_type;
template <class W>
struct word_type<Session<W>> {
    using type = W;
};
template <class S>
using WordType = typename word_type<std::remove_cvref_t<S>>::type;

// --- the catalogue --------------------------------------------------------------------------------------------------
void add_pte_properties(std::vector<Property>& list);      // Z-5: the steps of one PTE
void add_mmu_properties(std::vector<Property>& list);      // what the hardware makes of PTEs
void add_counter_properties(std::vector<Property>& list);  // Z-6
void add_chain_properties(std::vector<Property>& list);    // Z-1 to Z-3, runs
void add_rights_properties(std::vector<Property>& list);   // Z-4
void add_exit_properties(std::vector<Property>& list);     // Z-7, Z-10
void add_link_properties(std::vector<Property>& list);     // Z-8
void add_swap_properties(std::vector<Property>& list);     // Z-9
// The pmap as a whole: `slots` virtual by `pages` physical pages, each transition keeps each invariant.
void add_system_properties(std::vector<Property>& list, unsigned slots, unsigned pages);

std::vector<Property> all_properties(unsigned slots, unsigned pages);

}  // namespace vmref::smt
