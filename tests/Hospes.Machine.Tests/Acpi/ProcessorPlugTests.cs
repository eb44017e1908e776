namespace Hospes.Machine.Tests.Acpi;

/// <summary>Processors that come: their registers, and the line that tells of them.</summary>
public sealed class ProcessorPlugTests : IDisposable
{
    private const ulong Registers = 0xFED10000;

    private readonly Bench _bench = new(new MachineConfig { Memory = 64 << 20, Vcpus = 2, MaxVcpus = 4 });

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void A_processor_is_new_until_the_guest_took_note()
    {
        _bench.Load(Registers).ShouldBe(0x00000101ul);
        _bench.Machine.TellProcessor(2);
        _bench.Load(Registers).ShouldBe(0x00030101ul);
        _bench.Store(Registers + 2, 2, 1);
        _bench.Load(Registers).ShouldBe(0x00010101ul);
        // Presence is not the guest's, and there is nothing behind the last one.
        _bench.Store(Registers, ulong.MaxValue, 8);
        _bench.Store(Registers + 0xFFC, ulong.MaxValue, 8);
        _bench.Load(Registers, 8).ShouldBe(0x00010101ul);
        _bench.Load(Registers + 2, 8).ShouldBe(1ul);
    }

    [Fact]
    public void A_machine_that_is_full_has_no_such_registers()
    {
        using var full = new Bench();
        Should.Throw<InvalidOperationException>(() => full.Machine.TellProcessor(1));
        full.Load(Registers).ShouldBe(0xFFFFFFFFul);
    }
}
