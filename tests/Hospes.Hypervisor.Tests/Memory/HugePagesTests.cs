using System.Globalization;
using Hospes.Hypervisor.Tests.Kit;

namespace Hospes.Hypervisor.Tests.Memory;

/// <summary>Memory of the host's pool of huge pages: with pages that the test sets aside where it may, else refused.</summary>
public sealed class HugePagesTests : IDisposable
{
    private const string Pool = "/sys/kernel/mm/hugepages/hugepages-2048kB/";

    private const ulong Large = 2 << 20, Wanted = 4;

    private readonly ulong _before = Read("nr_hugepages");

    private readonly Guest _guest = FakeEngine.Create(out _);

    public void Dispose()
    {
        _guest.Dispose();
        TrySet(_before);
    }

    private GuestMemory Memory => _guest.Memory;

    [Fact]
    public void PagesThatHaveToBeHugeAreOrTheMemoryIsRefused()
    {
        if (!TryReserve())
        {
            Memory.Map(0, (Left() + 1) * Large, out MemoryRange? none, HugePages.Size2M).ShouldBe(Status.NoMemory);
            none.ShouldBeNull();
            Memory.Map(0, (Left() + 1) * Large, out MemoryRange? ordinary, HugePages.Preferred).ShouldBe(Status.Ok);
            ordinary!.PageSize.ShouldBe(GuestMemory.PageSize);
            return;
        }
        ulong left = Left();
        Memory.Map(0, 2 * Large, out MemoryRange? range, HugePages.Size2M).ShouldBe(Status.Ok);
        range!.PageSize.ShouldBe(Large);
        Left().ShouldBe(left - 2, "they are promised at once");
        Memory.TryFill(0, 2 * Large, 5).ShouldBeTrue();
        Memory.Map(1 << 30, (Left() + 1) * Large, out _, HugePages.Size2M).ShouldBe(Status.NoMemory);
        // What is no multiple of such a page is none of them.
        Memory.Map(1 << 30, Large + 4096, out _, HugePages.Size2M).ShouldBe(Status.NoMemory);
        Memory.Map(1 << 30, Large + 4096, out MemoryRange? odd, HugePages.Preferred).ShouldBe(Status.Ok);
        odd!.PageSize.ShouldBe(GuestMemory.PageSize);
    }

    [Fact]
    public void BlocksTakeTheirPagesWhenTheyComeAndGiveThemBack()
    {
        if (!TryReserve())
        {
            // Nothing is promised before a block comes, so that an empty pool shows only then.
            Memory.MapBlocks(0, 1024 * Large, Large, out MemoryRange? empty, HugePages.Size2M).ShouldBeOneOf(Status.Ok, Status.NoMemory);
            if (empty is not null) Memory.Plug(0, (Left() + 1) * Large).ShouldBe(Status.NoMemory);
            return;
        }
        ulong left = Left();
        Memory.MapBlocks(0, 1024 * Large, Large, out MemoryRange? range, HugePages.Size2M).ShouldBe(Status.Ok);
        range!.PageSize.ShouldBe(Large);
        Left().ShouldBe(left);
        Memory.Plug(0, 2 * Large).ShouldBe(Status.Ok);
        Left().ShouldBe(left - 2);
        Memory.TryFill(0, 2 * Large, 5).ShouldBeTrue();
        Memory.Plug(2 * Large, (Left() + 1) * Large).ShouldBe(Status.NoMemory);
        range.CountThere(0, range.Size).ShouldBe(2 * Large);
        Memory.Unplug(0, Large).ShouldBe(Status.Ok);
        Left().ShouldBe(left - 1);
        Memory.Plug(0, Large).ShouldBe(Status.Ok);
        Memory.TryRead(0, out ulong content).ShouldBeTrue();
        content.ShouldBe(0u);
    }

    [Fact]
    public void PagesAreNoLargerThanBlocks()
    {
        Memory.MapBlocks(0, 1 << 30, 1 << 20, out _, HugePages.Size2M).ShouldBe(Status.NoMemory);
        Memory.MapBlocks(0, 1 << 30, 1 << 20, out MemoryRange? range, HugePages.Preferred).ShouldBe(Status.Ok);
        range!.PageSize.ShouldBe(GuestMemory.PageSize);
    }

    /// <summary>Sets pages aside; false where the host does not let this user, or has none.</summary>
    private bool TryReserve() => Left() >= Wanted || (TrySet(_before + Wanted) && Left() >= Wanted);

    private static bool TrySet(ulong pages)
    {
        try
        {
            File.WriteAllText(Pool + "nr_hugepages", pages.ToString(CultureInfo.InvariantCulture));
            return true;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static ulong Left() => Read("free_hugepages") - Read("resv_hugepages");

    private static ulong Read(string name) =>
        File.Exists(Pool + name) ? ulong.Parse(File.ReadAllText(Pool + name).AsSpan().Trim(), NumberStyles.None, CultureInfo.InvariantCulture) : 0;
}
