namespace Hospes.Machine.Tests.Interrupts;

public sealed class PicPairTests
{
    private readonly PicPair _pics;
    private bool _output;

    public PicPairTests() => _pics = new PicPair(level => _output = level);

    [Fact]
    public void Line_11_works_out_of_reset_as_firmware_leaves_it()
    {
        _pics.SetLine(11, true);
        _output.ShouldBeTrue();
        _pics.SetLine(11, false);
        _output.ShouldBeTrue("an edge stays latched");
        _pics.Acknowledge().ShouldBe((byte)0x73);
        _output.ShouldBeFalse();
    }

    [Fact]
    public void Other_lines_are_masked_out_of_reset()
    {
        for (int line = 0; line < 16; line++)
        {
            if (line != 11) _pics.SetLine(line, true);
        }
        _output.ShouldBeFalse();
        _pics.Read(0x21, 1).ShouldBe(0xFBu);
        _pics.Read(0xA1, 1).ShouldBe(0xF7u);
    }

    [Fact]
    public void Mask_hides_a_line()
    {
        _pics.Write(0xA1, 1, 0xFF);
        _pics.SetLine(11, true);
        _output.ShouldBeFalse();
        _pics.Write(0xA1, 1, 0xF7);
        _output.ShouldBeTrue();
    }

    [Fact]
    public void Initialization_sets_the_vectors()
    {
        Initialize(0x20, 0x28);
        _pics.SetLine(4, true);
        _pics.Acknowledge().ShouldBe((byte)0x24);
        _pics.Write(0x20, 1, 0x20);
        _pics.SetLine(9, true);
        _pics.Acknowledge().ShouldBe((byte)0x29);
    }

    [Fact]
    public void Less_urgent_line_waits_for_the_end_of_the_one_in_service()
    {
        Initialize(0x20, 0x28);
        _pics.SetLine(3, true);
        _pics.Acknowledge().ShouldBe((byte)0x23);
        _pics.SetLine(5, true);
        _output.ShouldBeFalse();
        _pics.SetLine(1, true);
        _output.ShouldBeTrue();
        _pics.Acknowledge().ShouldBe((byte)0x21);
        _pics.Write(0x20, 1, 0x20); // ends 1
        _output.ShouldBeFalse();
        _pics.Write(0x20, 1, 0x63); // ends 3
        _output.ShouldBeTrue();
        _pics.Acknowledge().ShouldBe((byte)0x25);
    }

    [Fact]
    public void Interrupt_that_vanished_is_answered_with_line_7()
    {
        Initialize(0x20, 0x28);
        _pics.Acknowledge().ShouldBe((byte)0x27);
        _pics.Write(0x4D0, 1, 0x20);
        _pics.SetLine(5, true);
        _output.ShouldBeTrue();
        _pics.SetLine(5, false);
        _output.ShouldBeFalse();
        _pics.Acknowledge().ShouldBe((byte)0x27);
    }

    [Fact]
    public void Level_triggered_line_comes_again_after_its_end()
    {
        Initialize(0x20, 0x28);
        _pics.Write(0x4D1, 1, 0xFF);
        _pics.Read(0x4D1, 1).ShouldBe(0xDEu);
        _pics.SetLine(10, true);
        _pics.Acknowledge().ShouldBe((byte)0x2A);
        _pics.Write(0xA0, 1, 0x20);
        _pics.Write(0x20, 1, 0x20);
        _output.ShouldBeTrue();
    }

    [Fact]
    public void Automatic_end_leaves_nothing_in_service()
    {
        Initialize(0x20, 0x28, 3);
        _pics.SetLine(4, true);
        _pics.Acknowledge().ShouldBe((byte)0x24);
        _pics.Write(0x20, 1, 0x0B);
        _pics.Read(0x20, 1).ShouldBe(0u);
    }

    [Fact]
    public void Requests_and_service_can_be_read()
    {
        Initialize(0x20, 0x28);
        _pics.SetLine(4, true);
        _pics.Write(0x20, 1, 0x0A);
        _pics.Read(0x20, 1).ShouldBe(0x10u);
        _pics.Acknowledge();
        _pics.Write(0x20, 1, 0x0B);
        _pics.Read(0x20, 1).ShouldBe(0x10u);
    }

    [Fact]
    public void Poll_acknowledges_and_names_the_line()
    {
        Initialize(0x20, 0x28);
        _pics.SetLine(6, true);
        _pics.Write(0x20, 1, 0x0C);
        _pics.Read(0x20, 1).ShouldBe(0x86u);
        _output.ShouldBeFalse();
        _pics.Write(0x20, 1, 0x0C);
        _pics.Read(0x21, 1).ShouldBe(7u);
    }

    [Fact]
    public void Rotation_makes_a_line_the_least_urgent()
    {
        Initialize(0x20, 0x28);
        _pics.Write(0x20, 1, 0xC4); // 4 is lowest, so 5 is highest
        _pics.SetLine(1, true);
        _pics.SetLine(5, true);
        _pics.Acknowledge().ShouldBe((byte)0x25);
        _pics.Write(0x20, 1, 0xA0); // ends 5 and makes it lowest
        _pics.SetLine(5, false);
        _pics.SetLine(5, true);
        _pics.Acknowledge().ShouldBe((byte)0x21);
    }

    [Fact]
    public void Special_mask_lets_less_urgent_lines_through()
    {
        Initialize(0x20, 0x28);
        _pics.SetLine(3, true);
        _pics.Acknowledge();
        _pics.SetLine(5, true);
        _output.ShouldBeFalse();
        _pics.Write(0x21, 1, 0x08);
        _pics.Write(0x20, 1, 0x68);
        _output.ShouldBeTrue();
        _pics.Acknowledge().ShouldBe((byte)0x25);
    }

    private void Initialize(byte master, byte slave, byte icw4 = 1)
    {
        foreach ((ushort port, byte vectors, byte wires) in new (ushort, byte, byte)[] { (0x20, master, 4), (0xA0, slave, 2) })
        {
            _pics.Write(port, 1, 0x11);
            _pics.Write((ushort)(port + 1), 1, vectors);
            _pics.Write((ushort)(port + 1), 1, wires);
            _pics.Write((ushort)(port + 1), 1, icw4);
        }
    }
}
