// Where the inputs of a property come from, and who listens to its outputs.
#pragma once

#include <z3++.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "props/smt/property.h"
#include "props/smt/prover.h"

namespace vmref::smt {

// Free constants of Z3. Keeps the terms that the functions under proof gave.
class SymbolicSession final : public Session<SymW> {
  public:
    SymbolicSession(z3::context& context, const impl::DefectSet& set, const Mutation* mutation = nullptr)
        : Session(set, mutation), context_(context) {}

    SymW word(const std::string& name) override {
        inputs.push_back(context_.bv_const(name.c_str(), 32));
        return SymW(inputs.back());
    }
    SymB flag(const std::string& name) override {
        inputs.push_back(context_.bool_const(name.c_str()));
        return SymB(inputs.back());
    }

    std::vector<z3::expr> inputs;
    std::vector<z3::expr> outputs;

  protected:
    void note(const std::string& /*seam*/, const SymW& value, std::uint32_t /*bits*/) override {
        outputs.push_back(value.term(context_));
    }
    void note(const std::string& /*seam*/, const SymB& value) override { outputs.push_back(value.term(context_)); }

  private:
    z3::context& context_;
};

struct Seam {
    std::string name;
    bool truth;
    std::uint32_t bits;
};

// Named values; what is not named is 0. Notes the seams, each once, and what went through them.
class ModelSession final : public Session<std::uint32_t> {
  public:
    ModelSession(const Model& model, const impl::DefectSet& set, const Mutation* mutation = nullptr)
        : Session(set, mutation) {
        for (const Assignment& assignment : model) {
            values_[assignment.name] = assignment.value;
        }
    }

    std::uint32_t word(const std::string& name) override { return values_[name]; }
    bool flag(const std::string& name) override { return values_[name] != 0; }

    std::vector<Seam> seams;

  protected:
    void note(const std::string& seam, const std::uint32_t& /*value*/, std::uint32_t bits) override {
        add({seam, false, bits});
    }
    void note(const std::string& seam, const bool& /*value*/) override { add({seam, true, 0}); }

  private:
    void add(Seam seam) {
        const bool known = std::any_of(seams.begin(), seams.end(), [&](const Seam& s) { return s.name == seam.name; });
        if (!known) {
            seams.push_back(std::move(seam));
        }
    }
    std::map<std::string, std::uint32_t> values_;
};

// Random words that meet premises often enough: whole ones, sparse flag words, small numbers, and again what was drawn
// before with other low bits. Notes inputs and outputs.
class RandomSession final : public Session<std::uint32_t> {
  public:
    RandomSession(std::mt19937& random, const impl::DefectSet& set, const Mutation* mutation = nullptr)
        : Session(set, mutation), random_(random) {}

    std::uint32_t word(const std::string& /*name*/) override {
        inputs.push_back(draw());
        return inputs.back();
    }
    bool flag(const std::string& /*name*/) override {
        inputs.push_back(static_cast<std::uint32_t>(random_() & 1U));
        return inputs.back() != 0;
    }

    std::vector<std::uint32_t> inputs;
    std::vector<std::uint32_t> outputs;

  protected:
    void note(const std::string& /*seam*/, const std::uint32_t& value, std::uint32_t /*bits*/) override {
        outputs.push_back(value);
    }
    void note(const std::string& /*seam*/, const bool& value) override { outputs.push_back(value ? 1 : 0); }

  private:
    std::uint32_t bits() { return static_cast<std::uint32_t>(random_()); }
    std::uint32_t draw() {
        switch (bits() % 6) {
            case 0:
                return bits();
            case 1:
                return bits() & bits() & 0xFFFU;
            case 2:
                return (bits() & 0x3000U) | (bits() & 0xFFFU);
            case 3:
                return bits() & 7U;
            case 4:
                return 0;
            default:
                return inputs.empty() ? bits() : (inputs[bits() % inputs.size()] ^ (bits() & bits() & 0xFFFU));
        }
    }
    std::mt19937& random_;
};

// What a model gives the inputs; those that it leaves open are 0.
Model model_of(const std::vector<z3::expr>& inputs, const z3::model& found);

}  // namespace vmref::smt
