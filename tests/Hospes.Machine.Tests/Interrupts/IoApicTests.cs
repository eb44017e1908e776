namespace Hospes.Machine.Tests.Interrupts;

public sealed class IoApicTests
{
    private readonly List<(ulong Address, uint Data)> _sent = [];
    private readonly IoApic _ioApic;
    private bool _accepts = true;

    public IoApicTests() => _ioApic = new IoApic((address, data) =>
    {
        if (_accepts) _sent.Add((address, data));
        return _accepts;
    });

    [Fact]
    public void Pins_start_masked()
    {
        for (int pin = 0; pin < IoApic.Pins; pin++)
        {
            Entry(pin).ShouldBe(0x10000ul);
            _ioApic.SetPin(pin, true);
        }
        _sent.ShouldBeEmpty();
    }

    [Fact]
    public void Version_is_read_only_and_counts_the_pins()
    {
        Get(1).ShouldBe(0x00170020u);
        Set(1, 0xFFFFFFFF);
        Get(1).ShouldBe(0x00170020u);
    }

    [Fact]
    public void Id_keeps_four_bits_and_shows_as_arbitration_id()
    {
        Set(0, 0xFFFFFFFF);
        Get(0).ShouldBe(0x0F000000u);
        Get(2).ShouldBe(0x0F000000u);
        Set(2, 0);
        Get(2).ShouldBe(0x0F000000u);
    }

    [Fact]
    public void Edge_sends_one_message_for_each_rise()
    {
        Program(4, 0x31);
        _ioApic.SetPin(4, true);
        _ioApic.SetPin(4, true);
        _ioApic.SetPin(4, false);
        _ioApic.SetPin(4, true);
        _sent.ShouldBe([(0xFEE00000ul, 0x4031u), (0xFEE00000ul, 0x4031u)]);
        (Entry(4) & 1 << 14).ShouldBe(0ul);
    }

    [Fact]
    public void Masked_edge_is_lost()
    {
        Program(4, 0x10031);
        _ioApic.SetPin(4, true);
        Program(4, 0x31);
        _sent.ShouldBeEmpty();
    }

    [Fact]
    public void Level_waits_for_the_end_of_interrupt_and_comes_again_while_held()
    {
        Program(14, 0x8077);
        _ioApic.SetPin(14, true);
        _ioApic.SetPin(14, false);
        _ioApic.SetPin(14, true);
        _sent.Count.ShouldBe(1);
        (Entry(14) & 1 << 14).ShouldNotBe(0ul);
        _ioApic.EndOfInterrupt(0x78);
        _sent.Count.ShouldBe(1);
        _ioApic.EndOfInterrupt(0x77);
        _sent.Count.ShouldBe(2);
        _ioApic.SetPin(14, false);
        _ioApic.EndOfInterrupt(0x77);
        _sent.Count.ShouldBe(2);
        (Entry(14) & 1 << 14).ShouldBe(0ul);
        _sent[0].Data.ShouldBe(0xC077u);
    }

    [Fact]
    public void Masked_level_is_served_when_unmasked()
    {
        Program(14, 0x18077);
        _ioApic.SetPin(14, true);
        _sent.ShouldBeEmpty();
        Program(14, 0x8077);
        _sent.Count.ShouldBe(1);
    }

    [Fact]
    public void End_of_interrupt_register_does_what_the_message_does()
    {
        Program(14, 0x8077);
        _ioApic.SetPin(14, true);
        _ioApic.Write(0x40, 4, 0x77);
        _sent.Count.ShouldBe(2);
    }

    [Fact]
    public void Making_an_entry_edge_triggered_clears_its_remote_irr()
    {
        Program(14, 0x8077);
        _ioApic.SetPin(14, true);
        Program(14, 0x10077);
        (Entry(14) & 1 << 14).ShouldBe(0ul);
    }

    [Fact]
    public void Guest_can_not_write_the_status_bits()
    {
        Program(3, 0xFFFFFFFF);
        Entry(3).ShouldBe(0x1AFFFul);
    }

    [Theory]
    [InlineData(0x0131u, 0x02000000u, 0xFEE02000ul, 0x4131u)] // lowest priority, physical
    [InlineData(0x0831u, 0xFF000000u, 0xFEEFF004ul, 0x4031u)] // fixed, logical
    [InlineData(0x0400u, 0x01000000u, 0xFEE01000ul, 0x4400u)] // NMI
    public void Message_carries_mode_and_destination(uint low, uint high, ulong address, uint data)
    {
        Set((byte)(0x10 + 5 * 2 + 1), high);
        Program(5, low);
        _ioApic.SetPin(5, true);
        _sent.ShouldBe([(address, data)]);
    }

    [Fact]
    public void Level_that_nobody_accepted_is_offered_again()
    {
        _accepts = false;
        Program(14, 0x8077);
        _ioApic.SetPin(14, true);
        (Entry(14) & 1 << 14).ShouldBe(0ul);
        _accepts = true;
        Program(14, 0x8077);
        _sent.Count.ShouldBe(1);
    }

    [Fact]
    public void Registers_that_do_not_exist_read_as_zero()
    {
        Set(0x40, 0xFFFFFFFF);
        Get(0x40).ShouldBe(0u);
        Get(0xFF).ShouldBe(0u);
        _ioApic.Read(0x20, 4).ShouldBe(0ul);
        _ioApic.Write(0x20, 4, 1);
        _ioApic.Write(0x00, 1, 0x10);
        (_ioApic.Read(0x12, 1) & 0xFF).ShouldBe(1ul);
    }

    [Fact]
    public void Line_is_high_while_any_device_holds_it()
    {
        var router = new InterruptRouter(_ioApic, new PicPair(_ => { }));
        InterruptLine one = router.Line(16), other = router.Line(16);
        Program(16, 0x8040);
        one.Set(true);
        other.Set(true);
        one.Set(false);
        _ioApic.EndOfInterrupt(0x40);
        _sent.Count.ShouldBe(2);
        other.Set(false);
        other.Set(false);
        _ioApic.EndOfInterrupt(0x40);
        _sent.Count.ShouldBe(2);
    }

    private uint Get(byte register)
    {
        _ioApic.Write(0x00, 4, register);
        return (uint)_ioApic.Read(0x10, 4);
    }

    private void Set(byte register, uint value)
    {
        _ioApic.Write(0x00, 4, register);
        _ioApic.Write(0x10, 4, value);
    }

    private void Program(int pin, uint low) => Set((byte)(0x10 + pin * 2), low);

    private ulong Entry(int pin) => Get((byte)(0x10 + pin * 2)) | (ulong)Get((byte)(0x11 + pin * 2)) << 32;
}
