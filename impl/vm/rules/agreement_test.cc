// What the proofs say of collapse and bypass assumes that impl/vm carries the rules out as they say. That is tried here
// with real objects, in every state that one index of a chain of three can have.
#include <array>

#include "impl/vm/rules/chain.h"
#include "impl/vm/vm_test.h"

namespace vmref::impl {
namespace {

// A page without data, with data, only a block, and both: the page newer than the block.
enum class State : std::uint8_t { nothing, invalid, valid, block, invalid_and_block, valid_and_block };
constexpr std::array kStates{State::nothing, State::invalid,           State::valid,
                             State::block,   State::invalid_and_block, State::valid_and_block};

constexpr bool has_page(State state) {
    return state != State::nothing && state != State::block;
}
constexpr bool has_valid_page(State state) {
    return state == State::valid || state == State::valid_and_block;
}
constexpr bool has_block(State state) {
    return state >= State::block;
}
constexpr rule::Slot<std::uint32_t> slot_of(State state) {
    return {.resident = has_page(state), .valid = has_valid_page(state), .block = has_block(state)};
}

// shadow on backing on bottom, index 0 of the shadow being index 1 of the backing object and index 3 of the bottom.
class Chain : public ObjectActions {
  public:
    Chain(State above, State below, bool deeper) : Chain(std::make_unique<Kernel>(vm_config(), DefectSet{})) {
        k.sched.set_inline_waiter(nullptr);
        bottom = &anon(8);
        put(*bottom, 4, 9);  // index 1 of the shadow: the bottom is never looked past
        if (deeper) {
            put(*bottom, 3, 1);
        }
        object_reference(k, *bottom);
        std::uint64_t offset = 2 * kPageSize;
        backing = &object_shadow(k, *bottom, offset, 4);
        bring_about(*backing, 1, below, 2);
        object_reference(k, *backing);
        offset = kPageSize;
        shadow = &object_shadow(k, *backing, offset, 2);
        bring_about(*shadow, 0, above, 4);
    }

    Object* bottom = nullptr;
    Object* backing = nullptr;
    Object* shadow = nullptr;

  private:
    explicit Chain(std::unique_ptr<Kernel> kernel) : ObjectActions(*kernel), kernel_(std::move(kernel)) {}

    // The block holds `value`, the page the next one.
    void bring_about(Object& object, PageIndex index, State state, std::uint8_t value) {
        if (vmref::impl::has_block(state)) {
            put(object, index, value);
            swap_out(object, index);
        }
        if (has_valid_page(state)) {
            put(object, index, static_cast<std::uint8_t>(value + 1));
        } else if (has_page(state)) {
            grab(object, index);
        }
    }

    std::unique_ptr<Kernel> kernel_;
};

template <class Check>
void for_all_states(Check check) {
    for (const State above : kStates) {
        for (const State below : kStates) {
            for (const bool deeper : {false, true}) {
                SCOPED_TRACE(testing::Message() << "above " << static_cast<int>(above) << ", below "
                                                << static_cast<int>(below) << ", deeper " << deeper);
                check(above, below, deeper);
            }
        }
    }
}

TEST(Agreement, CollapseCarriesOutItsChoice) {
    for_all_states([](State above, State below, bool deeper) {
        Chain chain(above, below, deeper);
        const std::optional<std::uint8_t> before = chain.value(*chain.shadow, 0);
        Page* const page_below = chain.page(*chain.backing, 1);
        const auto choice = rule::collapse_choice<std::uint32_t>(slot_of(below), slot_of(above), true, {});
        object_deallocate(chain.k, chain.backing);  // leaves it to its shadow

        EXPECT_EQ(chain.k.stats.object_collapses, 1U);
        EXPECT_EQ(chain.value(*chain.shadow, 0), before);
        EXPECT_EQ(page_below != nullptr && chain.page(*chain.shadow, 0) == page_below, choice.moves);
        EXPECT_EQ(chain.shadow->backing, chain.bottom);
        EXPECT_EQ(chain.shadow->backing_offset, 3 * kPageSize);
        EXPECT_EQ(chain.bottom->ref_count, 2U);
        EXPECT_EQ(chain.bottom->shadow_count, 1U);
        EXPECT_EQ(chain.shadow->ref_count, 1U);
    });
}

TEST(Agreement, BypassCarriesOutItsChoice) {
    for_all_states([](State above, State below, bool deeper) {
        Chain chain(above, below, deeper);
        const std::optional<std::uint8_t> before = chain.value(*chain.shadow, 0);
        const bool refused =
            has_block(below) || rule::seen_through<std::uint32_t>(slot_of(below), slot_of(above), true, {});
        object_collapse(chain.k, *chain.shadow);

        EXPECT_EQ(chain.value(*chain.shadow, 0), before);
        EXPECT_EQ(chain.k.stats.object_bypasses, refused ? 0U : 1U);
        EXPECT_EQ(chain.shadow->backing, refused ? chain.backing : chain.bottom);
        EXPECT_EQ(chain.shadow->backing_offset, (refused ? 1 : 3) * kPageSize);
        EXPECT_EQ(chain.backing->ref_count, refused ? 2U : 1U);
        EXPECT_EQ(chain.backing->shadow_count, refused ? 1U : 0U);
        EXPECT_EQ(chain.bottom->ref_count, refused ? 2U : 3U);
        EXPECT_EQ(chain.bottom->shadow_count, refused ? 1U : 2U);
    });
}

}  // namespace
}  // namespace vmref::impl
