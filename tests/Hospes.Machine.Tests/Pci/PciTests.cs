namespace Hospes.Machine.Tests.Pci;

public sealed class PciTests : IDisposable
{
    private const ulong Ecam = 0xE0000000;

    private readonly Bench _bench = new();

    [Fact]
    public void Host_bridge_is_the_only_function()
    {
        _bench.Load(Ecam).ShouldBe(0x00081B36ul);
        _bench.Load(Ecam + 0x08).ShouldBe(0x06000000ul);
        _bench.Load(Ecam + 0x2C).ShouldBe(0x11001AF4ul);
        foreach (ulong function in new ulong[] { 1, 8, 0x100, 0xFFFF }) _bench.Load(Ecam + (function << 12)).ShouldBe(0xFFFFFFFFul);
    }

    [Fact]
    public void Only_what_a_guest_may_write_changes()
    {
        for (ulong offset = 0; offset < 4096; offset += 4) _bench.Store(Ecam + offset, 0xFFFFFFFF);
        _bench.Load(Ecam).ShouldBe(0x00081B36ul);
        _bench.Load(Ecam + 0x04).ShouldBe(0x00000547ul);
        _bench.Load(Ecam + 0x0C).ShouldBe(0x000000FFul);
        _bench.Load(Ecam + 0x10).ShouldBe(0ul, "no base address registers");
        _bench.Load(Ecam + 0x3C).ShouldBe(0x000000FFul);
        _bench.Load(Ecam + 0x100).ShouldBe(0ul, "no extended capabilities");
    }

    [Theory]
    [InlineData(1, 0x36u)]
    [InlineData(2, 0x1B36u)]
    [InlineData(4, 0x81B36u)]
    public void Ports_reach_the_same_registers(int size, uint expected)
    {
        _bench.Out(0xCF8, 0x80000000, 4);
        _bench.In(0xCF8, 4).ShouldBe(0x80000000);
        _bench.In(0xCFC, size).ShouldBe(expected);
        if (size < 4) _bench.In(0xCFE, size).ShouldBe(0x08u);
    }

    [Fact]
    public void Ports_write_the_same_registers()
    {
        _bench.Out(0xCF8, 0x80000004, 4);
        _bench.Out(0xCFC, 0x0007, 2);
        _bench.Load(Ecam + 4, 2).ShouldBe(7ul);
    }

    [Fact]
    public void Ports_answer_with_ones_when_disabled_or_for_other_functions()
    {
        _bench.Out(0xCF8, 0x00000000, 4);
        _bench.In(0xCFC, 4).ShouldBe(0xFFFFFFFFu);
        _bench.Out(0xCF8, 0x80000800, 4);
        _bench.In(0xCFC, 4).ShouldBe(0xFFFFFFFFu);
        _bench.Out(0xCF8, 0x80000000, 4);
        _bench.In(0xCFE, 4).ShouldBe(0xFFFFFFFFu, "across the data register's end");
    }

    [Fact]
    public void Type_1_probe_of_a_kernel_finds_the_mechanism()
    {
        _bench.Out(0xCFB, 1);
        uint before = _bench.In(0xCF8, 4);
        _bench.Out(0xCF8, 0x80000000, 4);
        _bench.In(0xCF8, 4).ShouldBe(0x80000000);
        _bench.Out(0xCF8, before, 4);
        _bench.Machine.Exit.Kind.ShouldBe(MachineExitKind.None);
    }

    [Fact]
    public void Machine_without_pci_has_only_the_reset_register()
    {
        using var bench = new Bench(new MachineConfig { Memory = 64 << 20, PciEcamSize = 0 });
        bench.Load(Ecam).ShouldBe(0xFFFFFFFFul);
        bench.Out(0xCF8, 0x80000000, 4);
        bench.In(0xCF8, 4).ShouldBe(0xFFFFFFFFu);
        bench.In(0xCFC, 4).ShouldBe(0xFFFFFFFFu);
        bench.Out(0xCF9, 6).ShouldBeFalse();
        bench.Machine.MemoryMap.ShouldNotContain(entry => entry.Address == Ecam);
    }

    public void Dispose() => _bench.Dispose();
}
