using Hospes.Hypervisor;
using Hospes.Virtio;

namespace Hospes.Machine.Tests.Memory;

/// <summary>Where memory that comes and goes is, and what is said when huge pages are short.</summary>
public sealed class MachineMemoryTests : IDisposable
{
    private const ulong MiB = 1 << 20, GiB = 1 << 30, High = 0xC0_0000_0000;

    private readonly string _folder = Directory.CreateTempSubdirectory("hospes-pool-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void ItIsBehindTheRamOnItsOwnAlignmentAndNotInTheMemoryMap()
    {
        using MemoryDevice first = new(3 * GiB, 2 * MiB), second = new(8 * GiB, 4 * GiB);
        using var bench = new Bench(new MachineConfig { Memory = 3 * GiB }, places: [Place(first), Place(second)]);
        (first.Start, second.Start).ShouldBe((High + 2 * GiB, High + 8 * GiB));
        bench.Memory.Find(first.Start)!.BlockSize.ShouldBe(2 * MiB);
        bench.Memory.TotalSize.ShouldBe(3 * GiB);
        bench.Machine.MemoryMap.Max(static entry => entry.Address + entry.Size).ShouldBe(High + GiB);
        bench.Machine.ReportMemory().Where(static region => region.Name == "virtio-mem").Select(static region => region.First).ShouldBe([first.Start, second.Start]);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(2)]
    public void WhatDoesNotFitIsRefused(ulong gigabytes)
    {
        using MemoryDevice first = new(GiB, 2 * MiB), second = new(GiB, 2 * MiB);
        using var resource = new HypervisorResource(new FakeEngine());
        Guest.Create(resource, new GuestOptions(), out Guest? guest).ShouldBe(Status.Ok);
        using (guest)
        {
            PvhMachine.Create(guest!, new MachineConfig { Memory = gigabytes * GiB, RamHighSize = 3 * GiB }, new CollectingSink(), Bench.HostMemory, out _, out string message, [Place(first), Place(second)])
                .ShouldBe(gigabytes == 2 ? MachineError.None : MachineError.MemoryBeyondWindows);
            message.ShouldBe(gigabytes == 2 ? "" : "the memory that can be plugged in does not fit into ram-high-size behind the RAM that is there; give less, or a larger ram-high-size");
        }
    }

    [Theory]
    [InlineData(HugePages.Size2M, "0", "0", "0", "the host has 0 huge pages of 2 MiB left, and the guest's memory takes 256; set more aside (as root: echo 256 > ")]
    [InlineData(HugePages.Size2M, "300", "200", "500", "the host has 100 huge pages of 2 MiB left, and the guest's memory takes 256; set more aside (as root: echo 656 > ")]
    [InlineData(HugePages.Size2M, "1", "2", "3", "the host has 0 huge pages of 2 MiB left, and the guest's memory takes 256; set more aside (as root: echo 259 > ")]
    [InlineData(HugePages.Size1G, "9", "0", "9", "this host has no huge pages of 1 GiB; choose another size, or leave huge pages away")]
    [InlineData(HugePages.Size2M, "none", "0", "0", "this host has no huge pages of 2 MiB; choose another size, or leave huge pages away")]
    public void APoolThatIsTooSmallIsExplained(HugePages pages, string free, string reserved, string all, string expected)
    {
        string pool = Directory.CreateDirectory(Path.Combine(_folder, "hugepages-2048kB")).FullName;
        foreach ((string name, string value) in (ReadOnlySpan<(string, string)>)[("free_hugepages", free), ("resv_hugepages", reserved), ("nr_hugepages", all)]) File.WriteAllText(Path.Combine(pool, name), value + "\n");
        HugePagePool.Explain(pages, 512 * MiB, _folder).ShouldStartWith(expected);
    }

    [Fact]
    public void RamOfHugePagesIsRefusedWithARemedyOrIsOfThem()
    {
        // No host of a test has as many pages of 1 GiB.
        using var resource = new HypervisorResource(new FakeEngine());
        Guest.Create(resource, new GuestOptions(), out Guest? guest).ShouldBe(Status.Ok);
        using (guest)
        {
            PvhMachine.Create(guest!, new MachineConfig { Memory = 64 * GiB, HugePages = HugePages.Size1G }, new CollectingSink(), Bench.HostMemory, out _, out string message).ShouldBe(MachineError.HostRefusedMemory);
            message.ShouldContain("huge pages");
            message.ShouldContain("; ");
        }
    }

    private static MachineDevice Place(MemoryDevice device) => new(device) { Memory = new MemoryOptions(device.Region) { BlockSize = device.Block } };
}
