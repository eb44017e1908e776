using Hospes.Store.Tree;

namespace Hospes.Store.Tests.Memory;

/// <summary>The memory behind the tree.</summary>
public sealed class SlabTests
{
    private const long Reserved = 64 << 20;

    [Fact]
    public void ElementsBeginAsZeroAndStayWhereTheyAreAsItGrows()
    {
        var slab = new Slab<ulong>(Reserved, sizeOfLarge: 8 << 20);
        ref ulong first = ref slab[0];
        first = 42;
        const uint count = (32 << 20) / 8;
        for (uint i = 1; i < count; i++)
        {
            slab.Require(i);
            if (slab[i] != 0) throw new InvalidOperationException($"element {i} is not zero");
            slab[i] = i;
        }
        slab[0].ShouldBe(42UL);
        for (uint i = 1; i < count; i++)
            if (slab[i] != i) throw new InvalidOperationException($"element {i} changed");
        slab.Capacity.ShouldBe(32 << 20);
        first = 43;
        slab[0].ShouldBe(43UL);
    }

    [Fact]
    public void WhatIsNotTakenUpCannotBeReached()
    {
        var slab = new Slab<ulong>(Reserved, long.MaxValue);
        uint length = (uint)(slab.Capacity / 8);
        Should.Throw<InvalidOperationException>(() => slab[length]);
        Should.Throw<InvalidOperationException>(() => slab.Bytes(length - 1, 9).Length);
        Should.Throw<InvalidOperationException>(() => slab.Bytes(uint.MaxValue, 1).Length);
        Should.Throw<InvalidOperationException>(() => slab.Bytes(0, -1).Length);
        slab.Bytes(length - 1, 8).Length.ShouldBe(8);
        slab.Prefetch(uint.MaxValue);
    }

    [Fact]
    public void AFullSlabSaysSo()
    {
        var slab = new Slab<byte>(4 << 20, long.MaxValue);
        Should.Throw<OutOfMemoryException>(() => slab.Require(8 << 20));
        slab[(4 << 20) - 1] = 1;
    }
}
