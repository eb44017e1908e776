using Hospes.Display;
using Hospes.Virtio;

namespace Hospes.Machine;

/// <summary>A virtio input device as one to which people do something: both count types and codes as Linux does.</summary>
internal sealed class InputTarget(InputDevice device) : IInputTarget
{
    /// <inheritdoc/>
    public string Name => device.Model.Name;

    /// <inheritdoc/>
    public bool IsAbsolute => device.Model.Codes.ContainsKey(InputEventType.Absolute);

    /// <inheritdoc/>
    public int Lights => device.Lights;

    /// <inheritdoc/>
    public bool Takes(InputAction action) => device.Model.Has((InputEventType)action.Kind, action.Code);

    /// <inheritdoc/>
    public void Send(ReadOnlySpan<InputAction> group)
    {
        Span<InputEvent> events = stackalloc InputEvent[InputHub.LargestGroup];
        for (int i = 0; i < group.Length; i++) events[i] = new InputEvent((InputEventType)group[i].Kind, group[i].Code, group[i].Value);
        device.Offer(events[..group.Length]);
    }
}
