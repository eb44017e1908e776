using System.Text;

namespace Hospes.Machine.Tests.Serial;

public sealed class SerialPortTests : IDisposable
{
    private const uint Data = 0, Ier = 1, Iir = 2, Fcr = 2, Lcr = 3, Mcr = 4, Lsr = 5, Msr = 6, Scr = 7;

    private readonly FakeTime _time = new(DateTimeOffset.UnixEpoch);
    private readonly CollectingSink _sink = new();
    private readonly SerialOutput _output;
    private readonly SerialPort _port;
    private readonly List<bool> _edges = [];
    private readonly IoApic _ioApic;

    public SerialPortTests()
    {
        _ioApic = new IoApic((_, _) =>
        {
            _edges.Add(true);
            return true;
        });
        _ioApic.Write(0, 4, 0x10 + 4 * 2);
        _ioApic.Write(0x10, 4, 0x30);
        _output = new SerialOutput(_sink, _time);
        _port = new SerialPort(new InterruptRouter(_ioApic, new PicPair(_ => { })).Line(4), _output);
    }

    [Fact]
    public void Divisor_scratch_and_line_control_keep_what_is_written()
    {
        Out(Lcr, 0x83);
        Out(Data, 0x01);
        Out(Ier, 0x02);
        (In(Data), In(Ier)).ShouldBe((0x01u, 0x02u));
        Out(Lcr, 0x03);
        In(Lcr).ShouldBe(0x03u);
        Out(Scr, 0xA5);
        In(Scr).ShouldBe(0xA5u);
        Out(Ier, 0xFF);
        In(Ier).ShouldBe(0x0Fu);
    }

    [Fact]
    public void Driver_finds_a_16550A()
    {
        Out(Ier, 0);
        In(Iir).ShouldBe(1u);
        Out(Fcr, 1);
        In(Iir).ShouldBe(0xC1u);
        Out(Fcr, 0x21);
        (In(Iir) & 0x20).ShouldBe(0u, "no 64-byte FIFO");
        Out(Lcr, 0xBF);
        In(Iir).ShouldNotBe(0u, "no enhanced features");
        Out(Lcr, 0);
        Out(Mcr, 0x1A);
        (In(Msr) & 0xF0).ShouldBe(0x90u);
        Out(Mcr, 0x10 | 0x05);
        (In(Msr) & 0xF0).ShouldBe(0x60u);
        Out(Mcr, 0);
        (In(Msr) & 0xF0).ShouldBe(0xB0u);
    }

    [Fact]
    public void Modem_changes_interrupt_once()
    {
        Out(Mcr, 0x08);
        In(Msr);
        Out(Ier, 8);
        In(Iir).ShouldBe(1u);
        Out(Mcr, 0x18);
        Out(Mcr, 0x08);
        In(Iir).ShouldBe(0u);
        (In(Msr) & 0x0B).ShouldBe(0x03u, "clear to send and data set ready went and came");
        In(Iir).ShouldBe(1u);
    }

    [Fact]
    public void Enabling_the_transmitter_interrupt_raises_it_each_time()
    {
        Out(Mcr, 0x08);
        for (int i = 1; i <= 3; i++)
        {
            Out(Ier, 2);
            _edges.Count.ShouldBe(i);
            In(Iir).ShouldBe(2u);
            In(Iir).ShouldBe(1u, "reading it took it back");
            Out(Ier, 0);
        }
    }

    [Fact]
    public void Interrupt_needs_the_second_output()
    {
        Out(Ier, 2);
        _edges.ShouldBeEmpty();
        In(Iir).ShouldBe(2u);
    }

    [Fact]
    public void A_burst_of_output_interrupts_once()
    {
        Out(Mcr, 0x08);
        Out(Ier, 2);
        In(Iir);
        _edges.Clear();
        foreach (char c in "burst") Out(Data, c);
        _edges.Count.ShouldBe(1);
        In(Lsr).ShouldBe(0x60u);
    }

    [Fact]
    public void Output_goes_out_at_the_end_of_a_line_or_after_a_moment()
    {
        foreach (char c in "one\n") Out(Data, c);
        _sink.Batches.ShouldBeEmpty();
        _time.Advance(TimeSpan.Zero);
        _sink.Batches.Count.ShouldBe(1);
        foreach (char c in "login: ") Out(Data, c);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        _sink.Batches.Count.ShouldBe(1);
        _time.Advance(TimeSpan.FromMilliseconds(2));
        _sink.Batches.Count.ShouldBe(2);
        _sink.Text.ShouldBe("one\nlogin: ");
    }

    [Fact]
    public void Slow_sink_makes_the_transmitter_busy_and_loses_nothing()
    {
        Out(Mcr, 0x08);
        Out(Ier, 2);
        var sent = new StringBuilder();
        while ((In(Lsr) & 0x20) != 0)
        {
            char c = (char)('a' + sent.Length % 26);
            Out(Data, c);
            sent.Append(c);
        }
        sent.Length.ShouldBe(SerialOutput.Capacity);
        In(Iir).ShouldBe(1u);
        _edges.Clear();
        _time.Advance(TimeSpan.FromMilliseconds(5));
        _sink.Text.ShouldBe(sent.ToString());
        (In(Lsr) & 0x60).ShouldBe(0x60u);
        _edges.Count.ShouldBe(1);
        In(Iir).ShouldBe(2u);
    }

    [Fact]
    public void Input_waits_until_the_driver_listens_and_survives_its_reset()
    {
        Offer("early").ShouldBe(5);
        Out(Ier, 0x0F); // a probe, without the second output
        Out(Ier, 0);
        Out(Fcr, 7);
        (In(Lsr) & 1).ShouldBe(0u);
        Out(Mcr, 0x0B);
        Out(Ier, 5);
        Receive(5).ShouldBe("early");
    }

    [Fact]
    public void Input_waits_while_the_driver_has_closed_the_port()
    {
        Out(Mcr, 0x0B);
        Out(Ier, 5);
        Offer("a");
        Receive(1).ShouldBe("a");
        Out(Ier, 0);
        Offer("b");
        Out(Fcr, 7);
        Out(Ier, 5);
        Receive(1).ShouldBe("b");
    }

    [Fact]
    public void Input_reaches_a_guest_that_polls()
    {
        Offer("x");
        int looks = 1;
        while ((In(Lsr) & 1) == 0 && looks < 1000) looks++;
        looks.ShouldBeLessThan(100);
        In(Data).ShouldBe((uint)'x');
    }

    [Fact]
    public void Received_data_interrupts_at_the_trigger_and_times_out_below_it()
    {
        Out(Fcr, 0x81); // 8 characters
        Out(Mcr, 0x08);
        Out(Ier, 1);
        Offer("1234");
        In(Iir).ShouldBe(0xCCu);
        Offer("5678");
        In(Iir).ShouldBe(0xC4u);
        Receive(8).ShouldBe("12345678");
        In(Iir).ShouldBe(0xC1u);
    }

    [Fact]
    public void Input_beyond_the_buffer_is_refused_until_there_is_room()
    {
        int wanted = 0;
        _port.InputWanted = () => wanted++;
        var big = new byte[SerialInput.Capacity + 100];
        _port.Offer(big).ShouldBe(SerialInput.Capacity);
        _port.Offer(big).ShouldBe(0);
        Out(Fcr, 1);
        Out(Mcr, 8);
        Out(Ier, 1);
        wanted.ShouldBe(0);
        for (int i = 0; i < SerialInput.Capacity; i++) In(Data);
        wanted.ShouldBe(1);
        _port.Offer(big).ShouldBe(SerialInput.Capacity - 0);
    }

    [Fact]
    public void Loopback_returns_what_is_sent_and_notes_overruns()
    {
        Out(Mcr, 0x10);
        Out(Data, 'a');
        Out(Data, 'b');
        (In(Lsr) & 0x03).ShouldBe(0x03u);
        (In(Lsr) & 0x02).ShouldBe(0u);
        In(Data).ShouldBe((uint)'a');
        (In(Lsr) & 1).ShouldBe(0u);
        _output.Drain();
        _sink.Text.ShouldBeEmpty();
    }

    [Fact]
    public void Overrun_interrupts_before_all_else()
    {
        Out(Mcr, 0x10);
        Out(Ier, 7);
        Out(Data, 'a');
        Out(Data, 'b');
        In(Iir).ShouldBe(6u);
        In(Lsr);
        In(Iir).ShouldBe(4u);
    }

    public void Dispose() => _output.Dispose();

    private int Offer(string text) => _port.Offer(Encoding.Latin1.GetBytes(text));

    private string Receive(int count) => string.Concat(Enumerable.Range(0, count).Select(_ => (char)In(Data)));

    private uint In(uint register) => ((IIoDevice)_port).Read((ushort)(0x3F8 + register), 1);

    private void Out(uint register, uint value) => ((IIoDevice)_port).Write((ushort)(0x3F8 + register), 1, value & 0xFF);
}
