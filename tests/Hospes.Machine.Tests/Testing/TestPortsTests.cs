namespace Hospes.Machine.Tests.Testing;

public sealed class TestPortsTests : IDisposable
{
    private readonly Bench _bench = new(new MachineConfig { Memory = 512 << 20, Vcpus = 2, TestDevice = true });

    [Theory]
    [InlineData(0x00, "51454D55")]
    [InlineData(0x03, "0000002000000000")]
    [InlineData(0x05, "0200")]
    [InlineData(0x0F, "0200")]
    [InlineData(0x11, "")]
    public void Firmware_configuration_streams_an_item_and_then_zeros(ushort selector, string expected)
    {
        _bench.Out(0x510, selector, 2);
        byte[] bytes = Convert.FromHexString(expected);
        foreach (byte value in bytes) _bench.In(0x511).ShouldBe(value);
        for (int i = 0; i < 8; i++) _bench.In(0x511).ShouldBe(0u);
    }

    [Fact]
    public void Storage_gives_back_bytes_at_any_width()
    {
        _bench.Out(0xE0, 0x12345678, 4);
        _bench.In(0xE0, 4).ShouldBe(0x12345678u);
        _bench.In(0xE1, 1).ShouldBe(0x56u);
        _bench.In(0xE2, 2).ShouldBe(0x1234u);
        _bench.Out(0xE8, 0xAB, 1);
        _bench.In(0xE8, 1).ShouldBe(0xABu);
        _bench.Out(0xE4, 0xFFFFFFFF, 4).ShouldBeTrue();
    }

    [Fact]
    public void Lines_reach_the_io_apic()
    {
        _bench.Store(0xFEC00000, 0x10 + 14 * 2);
        _bench.Store(0xFEC00010, 0x8077);
        _bench.Out(0x200E, 1);
        _bench.Engine.Messages.ShouldBe([(0xFEE00000ul, 0xC077u)]);
        _bench.Out(0x200E, 0);
        _bench.Handle(new Hypervisor.Packet { Kind = Hypervisor.PacketKind.EndOfInterrupt, Address = 0x77 });
        _bench.Load(0xFEC00010).ShouldBe(0x8077ul);
    }

    [Fact]
    public void Line_11_reaches_the_processor_through_the_8259s()
    {
        _bench.Out(0x200B, 0x00000001, 4);
        _bench.Out(0x200B, 0x00000000, 4);
        _bench.Engine.ExternalInterrupt.ShouldBeTrue();
        _bench.Engine.Acknowledge!().ShouldBe((byte)0x73);
        _bench.Engine.ExternalInterrupt.ShouldBeFalse();
    }

    [Fact]
    public void Test_memory_is_memory_that_no_map_names()
    {
        _bench.Memory.TryWrite(0xFF000000ul, 0x1122334455667788ul).ShouldBeTrue();
        _bench.Memory.TryRead(0xFF00FFF8ul, out ulong _).ShouldBeTrue();
        _bench.Machine.MemoryMap.ShouldNotContain(entry => entry.Address + entry.Size > 0xFF000000 && entry.Address < 0xFF010000);
    }

    [Fact]
    public void Machine_without_the_test_device_has_none_of_it()
    {
        using var bench = new Bench(new MachineConfig { Memory = 64 << 20, DebugExitPort = null });
        bench.Out(0xE0, 1);
        bench.In(0xE0).ShouldBe(0xFFu);
        bench.In(0x511).ShouldBe(0xFFu);
        bench.Out(0xF4, 1).ShouldBeTrue();
        bench.Memory.TryWrite(0xFF000000ul, 1ul).ShouldBeFalse();
    }

    public void Dispose() => _bench.Dispose();
}
