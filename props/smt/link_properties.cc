// Z-8: references, shadow counts and offsets of three objects, o on b on bb, when the chain is made, shortened and
// taken apart. The steps are those of impl/vm/collapse.cc and vm_object.cc, in their order; what needs no decision
// there (a reference that is handed over) is not claimed here.
#include "impl/vm/rules/links.h"

#include "props/smt/property.h"

namespace vmref::smt {

namespace {

namespace rule = impl::rule;
using impl::word::Word;

template <class W>
struct Counts {
    W references;
    W shadows;
};

// `others`: entries, shadows and temporary references besides those of the chain.
template <class W>
Counts<W> any_counts(Session<W>& in, const std::string& name) {
    return {in.word(name + ".other_references"), in.word(name + ".other_shadows")};
}

template <class W>
W gained_shadows(Session<W>& in) {
    return in.out("shadows_gained", W(rule::shadows_gained(in.defects)), 0);
}

constexpr auto kMerge = [](auto& in) {
    using W = WordType<decltype(in)>;
    const Counts<W> b = any_counts(in, "b");
    const Counts<W> bb = any_counts(in, "bb");
    const W o_offset = in.word("o.offset");
    const W b_offset = in.word("b.offset");
    const W index = in.word("index");
    // Before: o is the only shadow of b, which is one of those of bb. The reference on bb is handed over.
    W b_shadows = b.shadows + gained_shadows(in);
    W bb_shadows = bb.shadows + gained_shadows(in);
    const W offset = in.out("offset", rule::joined_offset(o_offset, b_offset, in.defects), 0x80000001U);
    b_shadows = b_shadows - W(1U);
    bb_shadows = bb_shadows - W(1U) + gained_shadows(in);
    return Claim<W>{b.shadows == W(0U),
                    {{"offset_leads_to_the_same_page", index + offset == (index + o_offset) + b_offset},
                     {"nobody_shadows_what_is_merged", b_shadows == W(0U)},
                     {"shadows_of_what_lies_below", bb_shadows == W(1U) + bb.shadows}}};
};

constexpr auto kBypass = [](auto& in) {
    using W = WordType<decltype(in)>;
    const Counts<W> b = any_counts(in, "b");
    const Counts<W> bb = any_counts(in, "bb");
    const W o_offset = in.word("o.offset");
    const W b_offset = in.word("b.offset");
    const W index = in.word("index");
    W bb_references = W(1U) + bb.references;
    W b_shadows = b.shadows + gained_shadows(in);
    W bb_shadows = bb.shadows + gained_shadows(in);
    const W offset = in.out("offset", rule::joined_offset(o_offset, b_offset, in.defects), 0x80000001U);
    b_shadows = b_shadows - W(1U);
    bb_references = bb_references + in.out("references_gained", W(rule::bypass_references(in.defects)), 0);
    bb_shadows = bb_shadows + gained_shadows(in);
    return Claim<W>{b.references != W(0U),
                    {{"offset_leads_to_the_same_page", index + offset == (index + o_offset) + b_offset},
                     {"shadows_of_what_is_bypassed", b_shadows == b.shadows},
                     {"references_of_what_lies_below", bb_references == W(2U) + bb.references},
                     {"shadows_of_what_lies_below", bb_shadows == W(2U) + bb.shadows}}};
};

// The caller's reference on the source becomes the new shadow's.
constexpr auto kShadow = [](auto& in) {
    using W = WordType<decltype(in)>;
    const Counts<W> source = any_counts(in, "source");
    const W shadows = source.shadows + gained_shadows(in);
    return Claim<W>{Bool<W>(true), {{"is_counted", shadows == W(1U) + source.shadows}}};
};

// vm_object_deallocate, step 6: the last reference of o goes; what it shadowed loses a shadow and a reference.
constexpr auto kDeallocate = [](auto& in) {
    using W = WordType<decltype(in)>;
    const Counts<W> b = any_counts(in, "b");
    const W made = b.shadows + gained_shadows(in);
    return Claim<W>{Bool<W>(true), {{"shadow_comes_and_goes", made - W(1U) == b.shadows}}};
};

}  // namespace

void add_link_properties(std::vector<Property>& list) {
    list.push_back(property("Z-8.merge", "I-25, I-26, I-27", "vm_object.c:1398-1435", kMerge));
    list.push_back(property("Z-8.bypass", "I-25, I-26, I-27", "vm_object.c:1461-1485", kBypass));
    list.push_back(property("Z-8.shadow", "I-26", "vm_object.c:1038-1042", kShadow));
    list.push_back(property("Z-8.deallocate", "I-26", "vm_object.c:352-370", kDeallocate));
}

}  // namespace vmref::smt
